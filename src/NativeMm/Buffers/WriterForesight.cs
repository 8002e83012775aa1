using NativeMm.Primitives;

namespace NativeMm.Buffers;

/// <summary>
/// How large the block of a growing writer is best made, from how far writers grew of late: so that a program which builds messages of one size does
/// not copy each of them again and again. Thread-safe.
/// </summary>
/// <remarks>
/// Writers that stay small beside a large one take more than they need for a few messages: address space, which they do not touch.
/// </remarks>
internal sealed class WriterForesight
{
    /// <summary>Smaller blocks are of the size that is needed: there is little to copy.</summary>
    public const nuint BytesMin = 16 << 10;

    // A block may be so many times as large as is needed. To what is further away it is two steps of about one ratio, so that what is copied is a
    // small part of the whole.
    private const int DirectStepMax = 32;
    private const int StepMax = 128;

    // A writer that stays below what is foreseen takes one part in so many of the difference off.
    private const int ForgetDivisor = 8;

    // Writers that end at the same time overwrite each other's: any of them is as good a guess.
    private nuint _bytes;

    /// <summary>What all writers of the process share.</summary>
    public static WriterForesight OfProcess { get; } = new();

    /// <summary>Bytes to allocate for a writer that needs so many now.</summary>
    public nuint BlockBytes(nuint needed) => BlockBytes(needed, Atomic.LoadAcquire(ref _bytes));

    /// <summary>A writer ended, or was started anew, with that capacity.</summary>
    public void Learn(nuint bytes)
    {
        nuint foreseen = Atomic.LoadAcquire(ref _bytes);
        nuint next = Next(foreseen, bytes);
        if (next != foreseen)
        {
            Atomic.StoreRelease(ref _bytes, next);
        }
    }

    /// <summary>Bytes to allocate where so many are needed and so many are foreseen.</summary>
    internal static nuint BlockBytes(nuint needed, nuint foreseen)
    {
        if (needed < BytesMin || foreseen <= needed)
        {
            return needed;
        }

        if (foreseen / DirectStepMax <= needed)
        {
            return foreseen;
        }

        var step = (nuint)Math.Sqrt(foreseen / needed);
        return needed * nuint.Min(step, StepMax);
    }

    /// <summary>What is foreseen after a writer that had so many bytes.</summary>
    internal static nuint Next(nuint foreseen, nuint bytes)
    {
        if (bytes < BytesMin || bytes == foreseen)
        {
            return foreseen;
        }

        return bytes > foreseen ? bytes : foreseen - nuint.Max((foreseen - bytes) / ForgetDivisor, 1);
    }
}

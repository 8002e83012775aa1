using System.Globalization;

namespace NativeMm.Platform;

/// <summary>What the system lets this process have (<c>ulimit</c>). No limit is <see cref="ulong.MaxValue"/>, and so is every limit outside Linux.</summary>
internal static unsafe class ResourceLimits
{
    private const int FileSize = 1;
    private const int OpenFiles = 7;
    private const int AddressSpace = 9;

    /// <summary>
    /// Of limited address space so much is left alone, for what a process takes without asking: 8 MiB for the stack of each thread, 64 MiB for an arena of the
    /// C library for each of the first threads, regions of the garbage collector.
    /// </summary>
    private const ulong ReserveBytes = 512UL << 20;

    // Of the rest a zone and what belongs to it takes one part in so many.
    private const ulong ShareDivisor = 4;

    /// <summary>Largest file in bytes (<c>ulimit -f</c>). Whoever makes a larger one is killed by a signal.</summary>
    public static ulong FileBytes => Read(FileSize);

    /// <summary>Most bytes of address space (<c>ulimit -v</c>).</summary>
    public static ulong AddressBytes => Read(AddressSpace);

    /// <summary>Bytes of address space that the process may still take.</summary>
    public static ulong AddressBytesLeft
    {
        get
        {
            ulong limit = AddressBytes;
            return limit == ulong.MaxValue || !ProcessMemory.ReadUsage(out ProcessMemoryUsage usage).Succeeded
                ? limit
                : limit - ulong.Min(limit, usage.Virtual);
        }
    }

    /// <summary>Bytes of address space that a zone of automatic size, with all that is reserved at once beside it, may take at most.</summary>
    public static ulong AddressBytesShare => ShareOf(AddressBytesLeft);

    /// <summary>The share of a zone.</summary>
    /// <param name="left">What is left, <see cref="ulong.MaxValue"/> without a limit.</param>
    internal static ulong ShareOf(ulong left) => left == ulong.MaxValue ? left : (left - ulong.Min(left, ReserveBytes)) / ShareDivisor;

    /// <summary>What the limits have to do with a refusal, as sentences for a message; empty when nothing is known.</summary>
    /// <param name="refusal">What the system said.</param>
    /// <param name="option">Name of the option that says how much is asked for.</param>
    public static string Explain(PlatformResult refusal, string option)
    {
        if (refusal.Errno == ErrorNumber.FileTooLarge)
        {
            return string.Create(
                CultureInfo.InvariantCulture, $" A file may have {FileBytes} bytes (ulimit -f); {option} must not be above that, or the limit must be raised.");
        }

        if (refusal.Errno == ErrorNumber.TooManyFiles)
        {
            return string.Create(
                CultureInfo.InvariantCulture, $" The process may have {Read(OpenFiles)} files open (ulimit -n), and has as many.");
        }

        if (refusal.Errno == ErrorNumber.TryAgain)
        {
            return " The process locks its memory (mlockall with MCL_FUTURE), and the limit on that, ulimit -l, is reached.";
        }

        return AddressBytes == ulong.MaxValue ? "" : string.Create(
            CultureInfo.InvariantCulture,
            $" The process may have {AddressBytes} bytes of address space (ulimit -v), of which {AddressBytesLeft} are left; {option} says how much is reserved, and 0 takes a part of what is left.");
    }

    /// <summary>The limit on address space, as a sentence for a message about memory that the system refuses; empty without one.</summary>
    public static string ExplainAddresses() => AddressBytes == ulong.MaxValue ? "" : string.Create(
        CultureInfo.InvariantCulture, $" The process may have {AddressBytes} bytes of address space (ulimit -v), of which {AddressBytesLeft} are left.");

    private static ulong Read(int resource)
    {
        nuint* limits = stackalloc nuint[2];
        return SystemPlatform.IsLinux && LibC.GetLimit(resource, limits) == 0 && limits[0] != nuint.MaxValue ? limits[0] : ulong.MaxValue;
    }
}

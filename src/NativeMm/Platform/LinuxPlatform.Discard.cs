using NativeMm.Primitives;

namespace NativeMm.Platform;

internal sealed unsafe partial class LinuxPlatform
{
    // The kernel takes at most so many ranges in one call.
    private const int RangesMax = 1024;

    private const int Untried = -1;
    private const int Unsupported = -2;

    // A file that stands for this process, or one of the two values above. Stays open as long as the process lives.
    private static int s_selfFile = Untried;

    /// <inheritdoc/>
    public PlatformResult Discard(nuint address, nuint bytes, DiscardMode mode) => Advise(address, bytes, AdviceOf(mode));

    /// <inheritdoc/>
    public PlatformResult Discard(ReadOnlySpan<AddressRange> ranges, DiscardMode mode)
    {
        int advice = AdviceOf(mode);
        int self = ranges.Length > 1 ? SelfFile() : Unsupported;
        if (self < 0 || !AreWholePages(ranges))
        {
            return AdviseEach(ranges, advice);
        }

        while (!ranges.IsEmpty)
        {
            ReadOnlySpan<AddressRange> batch = ranges[..int.Min(ranges.Length, RangesMax)];
            int done = AdviseMany(self, batch, advice, out PlatformResult refusal);
            ranges = ranges[done..];
            if (done < batch.Length)
            {
                return FinishOneByOne(ranges, advice, refusal);
            }
        }

        return PlatformResult.Success;
    }

    private bool AreWholePages(ReadOnlySpan<AddressRange> ranges)
    {
        foreach (AddressRange range in ranges)
        {
            if (!IsWholePages(range.Address, range.Bytes))
            {
                return false;
            }
        }

        return true;
    }

    private static int AdviceOf(DiscardMode mode) => mode == DiscardMode.Now ? LibC.AdviseDontNeed : LibC.AdviseFree;

    /// <summary>Goes through all ranges whatever happens, and gives the first refusal.</summary>
    private PlatformResult AdviseEach(ReadOnlySpan<AddressRange> ranges, int advice)
    {
        PlatformResult first = PlatformResult.Success;
        foreach (AddressRange range in ranges)
        {
            PlatformResult result = Advise(range.Address, range.Bytes, advice);
            first = first.Succeeded ? result : first;
        }

        return first;
    }

    /// <summary>
    /// One call for many ranges. The kernel may stop half-way and then says how many bytes it did. Gives the number of ranges completely done;
    /// fewer than all without a refusal when it stopped.
    /// </summary>
    private static int AdviseMany(int self, ReadOnlySpan<AddressRange> ranges, int advice, out PlatformResult refusal)
    {
        nint returned;
        fixed (AddressRange* vector = ranges)
        {
            // An AddressRange is laid out as the kernel's iovec.
            returned = LibC.SystemCall(SystemCallNumbers.ProcessMemoryAdvise, self, (nint)vector, ranges.Length, advice, 0);
        }

        refusal = returned < 0 ? LibC.LastError() : PlatformResult.Success;
        nuint advised = returned < 0 ? 0 : (nuint)returned;
        int done = 0;
        while (done < ranges.Length && advised >= ranges[done].Bytes)
        {
            advised -= ranges[done].Bytes;
            done++;
        }

        return done;
    }

    /// <summary>
    /// Finishes what the vectored call left over; doing the first part of a range again does no harm. When this works where the vectored call
    /// was refused, the system does not have it for one's own process (before 6.13), and it is not tried again. The file stays open then,
    /// because another thread may be about to use it.
    /// </summary>
    private PlatformResult FinishOneByOne(ReadOnlySpan<AddressRange> ranges, int advice, PlatformResult refusal)
    {
        PlatformResult result = AdviseEach(ranges, advice);
        if (result.Succeeded && refusal.Errno is ErrorNumber.NotImplemented or ErrorNumber.Invalid or ErrorNumber.NotPermitted)
        {
            Atomic.StoreRelease(ref s_selfFile, Unsupported);
        }

        return result;
    }

    private static int SelfFile()
    {
        int file = Atomic.LoadAcquire(ref s_selfFile);
        return file == Untried ? OpenSelf() : file;
    }

    private static int OpenSelf()
    {
        int opened = (int)LibC.SystemCall(SystemCallNumbers.PidFdOpen, Environment.ProcessId, 0, 0, 0, 0);
        int value = opened < 0 ? Unsupported : opened;
        if (!Atomic.CompareExchange(ref s_selfFile, Untried, value) && opened >= 0)
        {
            // Another thread was faster; its file serves everybody.
            _ = LibC.Close(opened);
        }

        return Atomic.LoadAcquire(ref s_selfFile);
    }
}

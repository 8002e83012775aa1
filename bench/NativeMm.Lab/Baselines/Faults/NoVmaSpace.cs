using NativeMm.AddressSpaces;
using NativeMm.Primitives;

namespace NativeMm.Lab.Baselines.Faults;

/// <summary>
/// CortenMM's idea (SOSP'25): no areas. Each entry says what may be done with its page, so that a fault looks at its leaf and nothing else, and a change of the layout
/// writes every entry. The tree serves to choose addresses alone.
/// </summary>
internal sealed class NoVmaSpace : FlatSpace
{
    private const nuint Writable = 1;

    /// <inheritdoc/>
    public override long Map(long bytes, bool isHuge)
    {
        long address = base.Map(bytes, isHuge);
        Pages.Replace(RangeOf(address, bytes), Writable);
        return address;
    }

    /// <inheritdoc/>
    public override void Protect(long address, long bytes, bool isWritable)
    {
        VpnRange range = RangeOf(address, bytes);
        for (ulong page = range.Start; page < range.End; page++)
        {
            ref SpinLock<NoLockStatistics> held = ref Pages.LockOf(page);
            held.Enter();
            nuint entry = Pages.EntryOf(page);
            Atomic.StoreRelease(ref Pages.EntryOf(page), isWritable ? entry | Writable : entry & ~Writable);
            held.Exit();
        }
    }

    /// <inheritdoc/>
    protected override bool TryWithoutLock(ulong page)
    {
        nuint frame = Pages.TakeFrame();
        ref SpinLock<NoLockStatistics> held = ref Pages.LockOf(page);
        held.Enter();
        bool installed = (Pages.EntryOf(page) & Writable) != 0 && Pages.TryInstall(page, frame);
        held.Exit();
        if (!installed)
        {
            Pages.GiveFrame(frame);
        }

        return installed;
    }

    private static VpnRange RangeOf(long address, long bytes) =>
        new((ulong)address >> Pfn.FrameShift, (ulong)(address + bytes) >> Pfn.FrameShift);
}

using System.Runtime.InteropServices;
using NativeMm.Primitives;

namespace NativeMm.Zsmalloc;

/// <summary>
/// One class in one stripe: its lock and what the lock guards. In native memory, apart from its neighbours by whole lines.
/// </summary>
/// <typeparam name="TStatistics">What the lock records about itself.</typeparam>
[StructLayout(LayoutKind.Sequential)]
internal struct ZsShard<TStatistics>
    where TStatistics : unmanaged, ILockStatistics
{
    public WaiterLock<TStatistics> Lock;

    // The rest: under the lock, unless said otherwise.
    public ZsLists Lists;

    // Free cells of this shard alone, chained.
    public uint FreeCell;
    public uint FreeCellCount;

    public uint Zspages;

    // How often a zspage had to be made after one was freed for being empty. From the second time on, one empty zspage stays.
    public uint Rebuilds;
    public bool FreedEmpty;

    // Slots taken so far, and what a compactor saw of it on its last pass (written by the class's compactor alone).
    public uint Takes;
    public uint TakesSeen;

    // The same of whoever makes passes of idle time.
    public uint TakesAtRest;

    public long Used;

    // Bytes asked for. Only the sum over the stripes of a class means anything: zspages change stripes, these bytes do not.
    public long UsedBytes;

    public long ObjectsMoved;
    public long BytesMoved;

    // When the stripes of the class were gathered last (stripe 0 only, by the class's compactor), in milliseconds; 0 for never.
    public long GatheredAt;

    // Odd while somebody compacts the class (stripe 0 only): raised by CAS by whoever wants to, and again by release when he is through.
    public uint Compactions;

    // 1: the class wants to be compacted; set under the lock, exchanged by the background work.
    public int WantsCompaction;
}

using System.Runtime.InteropServices;
using NativeMm.Primitives;

namespace NativeMm.Buffers;

/// <summary>A part of the keys with a lock of its own, which guards the other fields. What threads write lies within one cache line of the two.</summary>
[StructLayout(LayoutKind.Sequential, Size = CacheLine.Isolation)]
internal struct PageStripe
{
    public SpinLock<NoLockStatistics> Lock;
    public PageTable Table;
    public PageTally Tally;
}

using System.Runtime.CompilerServices;
using NativeMm.AddressSpaces;
using NativeMm.Diagnostics;
using NativeMm.Primitives;

namespace NativeMm.Caching;

/// <summary>
/// Hits and misses, a line for each thread of the first ones and one for all the others: counting writes nothing that another core reads, as long as there are not
/// too many threads. Thread-safe.
/// </summary>
internal sealed unsafe class CacheCounts
{
    private const int Own = 63;
    private const int Stride = CacheLine.Isolation / sizeof(long);

    private readonly long[] _array = GC.AllocateArray<long>((Own + 2) * Stride, pinned: true);
    private readonly long* _first;

    public CacheCounts() => _first = (long*)Unsafe.AsPointer(ref _array[Stride]);

    /// <summary>Bytes of this.</summary>
    public static long Bytes => (Own + 2) * CacheLine.Isolation;

    /// <summary>Counts a lookup of the thread whose slot it is.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Add(AccessSlot* thread, bool hit)
    {
        Invariant.Assert(thread == AccessSlotThread.t_slot, "A thread counts in the line of another one.");
        int number = thread->Number;
        long* count = _first + (number < Own ? (number * Stride) : Own * Stride) + (hit ? 0 : 1);
        if (number < Own)
        {
            *count += 1;
        }
        else
        {
            Atomic.Add(ref *count, 1);
        }
    }

    /// <summary>Hits, or misses, of all threads.</summary>
    public long Sum(bool hits)
    {
        long sum = 0;
        for (int i = 0; i <= Own; i++)
        {
            sum += Atomic.LoadAcquire(in _first[(i * Stride) + (hits ? 0 : 1)]);
        }

        return sum;
    }
}

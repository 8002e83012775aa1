// Purpose      a counter that many cores add to without sharing a line.
// Ownership    each stripe | mostly the core of that number, now and then a thread that moved | atomic add.
// Ordering     none beyond that of the adds; Sum is no snapshot.
// Progress     wait-free.

using System.Numerics;
using System.Runtime.CompilerServices;

namespace NativeMm.Primitives;

/// <summary>Counter with one padded cell for each core. Cheap to add to, dear to read. Thread-safe.</summary>
internal sealed class StripedCounter
{
    private const int WordsPerStripe = CacheLine.Isolation / sizeof(long);
    private const int StripesMax = 256;
    private readonly long[] _words;
    private readonly int _mask;

    /// <summary>Makes a counter at 0 with a stripe for each processor.</summary>
    public StripedCounter()
        : this(Environment.ProcessorCount)
    {
    }

    /// <summary>Makes a counter at 0.</summary>
    /// <param name="stripes">Rounded up to a power of two, at most 256; threads of cores that share a stripe still count right.</param>
    public StripedCounter(int stripes)
    {
        int count = (int)BitOperations.RoundUpToPowerOf2((uint)int.Clamp(stripes, 1, StripesMax));
        _mask = count - 1;

        // One stripe more, so that the first one keeps away from the array's header and whatever lies before it.
        _words = new long[(count + 1) * WordsPerStripe];
    }

    /// <summary>Number of stripes.</summary>
    public int Stripes => _mask + 1;

    /// <summary>All adds so far. Adds that run meanwhile may be in it or not; exact at rest.</summary>
    public long Sum()
    {
        long sum = 0;
        for (int stripe = 0; stripe <= _mask; stripe++)
        {
            sum += Atomic.LoadAcquire(ref _words[WordOf(stripe)]);
        }

        return sum;
    }

    /// <summary>Adds to the stripe of the current core.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Add(long addend) => Add(addend, CoreId.CurrentHint);

    /// <summary>Adds to the stripe of a core that the caller knows already.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Add(long addend, CoreId core) => Atomic.Add(ref _words[WordOf(core.Value & _mask)], addend);

    private static int WordOf(int stripe) => (stripe + 1) * WordsPerStripe;
}

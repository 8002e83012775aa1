using System.Diagnostics;
using NativeMm.Primitives;

namespace NativeMm.Lab.Experiments.Frames;

/// <summary>The loops over a frame allocator. An operation is one get and one put.</summary>
/// <param name="frames">The allocator.</param>
/// <param name="order">Size of the blocks.</param>
/// <param name="blocksPerThread">How many blocks a thread holds at most.</param>
/// <param name="threads">Number of threads.</param>
internal sealed class FrameWorkload<TFrames>(TFrames frames, Order order, int blocksPerThread, int threads)
    where TFrames : struct, IFramesUnderTest
{
    private const int WarmUpBlocks = 256;
    private const int Seed = 0x7066;

    private readonly Pfn[][] _held = new Pfn[threads][];
    private readonly int[][] _puts = new int[threads][];
    private readonly PhaseTimes[] _times = new PhaseTimes[threads];

    /// <summary>Time of the gets and puts in bulk and random, in the best round of the slowest thread: nanoseconds each.</summary>
    public (double Get, double Put) BestPhases => (_times.Max(t => t.BestGet), _times.Max(t => t.BestPut));

    /// <summary>Prepares a thread's tables.</summary>
    /// <param name="thread">The thread.</param>
    /// <param name="shuffled">Whether blocks are put back in any order rather than the order of getting them.</param>
    public void SetUp(int thread, bool shuffled)
    {
        _held[thread] = new Pfn[blocksPerThread];
        _puts[thread] = [.. Enumerable.Range(0, blocksPerThread)];
        _times[thread] = new PhaseTimes();
        if (shuffled)
        {
            new Random(Seed + thread).Shuffle(_puts[thread]);
        }
    }

    /// <summary>Gets a block and puts it back at once.</summary>
    public void Repeat(int thread, int operations)
    {
        for (int i = 0; i < operations; i++)
        {
            Put(Get());
        }
    }

    /// <summary>Gets a thread's whole share, then puts it back, as often as the operations say.</summary>
    public void Fill(int thread, int operations)
    {
        Pfn[] held = _held[thread];
        int[] puts = _puts[thread];
        for (int done = 0; done < operations; done += held.Length)
        {
            long start = Stopwatch.GetTimestamp();
            GetMany(held);
            long middle = Stopwatch.GetTimestamp();
            PutMany(held, puts);
            _times[thread].Add(start, middle, Stopwatch.GetTimestamp(), held.Length);
        }
    }

    /// <summary>A short piece of everything.</summary>
    public void WarmUp(int thread)
    {
        Span<Pfn> held = _held[thread].AsSpan(0, Math.Min(WarmUpBlocks, blocksPerThread));
        Span<int> puts = stackalloc int[held.Length];
        for (int i = 0; i < puts.Length; i++)
        {
            puts[i] = i;
        }

        Repeat(thread, WarmUpBlocks);
        GetMany(held);
        PutMany(held, puts);
    }

    /// <summary>Gets as many blocks as the span holds.</summary>
    public void GetMany(Span<Pfn> held)
    {
        for (int i = 0; i < held.Length; i++)
        {
            held[i] = Get();
        }
    }

    /// <summary>Puts blocks back in a given order.</summary>
    public void PutMany(ReadOnlySpan<Pfn> held, ReadOnlySpan<int> puts)
    {
        for (int i = 0; i < puts.Length; i++)
        {
            Put(held[puts[i]]);
        }
    }

    /// <summary>Replaces blocks: each is put back and another got in its place.</summary>
    public void Replace(Span<Pfn> held, ReadOnlySpan<int> places)
    {
        foreach (int place in places)
        {
            Put(held[place]);
            held[place] = Get();
        }
    }

    private Pfn Get() => frames.TryGet(order, out Pfn frame) ? frame : throw new InsufficientMemoryException("The zone ran out of frames.");

    private void Put(Pfn frame) => frames.Put(frame, order);
}

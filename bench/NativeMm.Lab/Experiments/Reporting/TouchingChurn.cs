using System.Diagnostics;
using NativeMm.Lab.Experiments.Frames;
using NativeMm.Primitives;

namespace NativeMm.Lab.Experiments.Reporting;

/// <summary>
/// A program that uses much memory for a moment, again and again: takes a window of blocks of 2 MiB, writes to each page of them, puts them
/// back. An operation is one block.
/// </summary>
/// <param name="frames">The allocator.</param>
/// <param name="window">Blocks that a thread holds at most.</param>
/// <param name="threads">Number of threads.</param>
internal sealed unsafe class TouchingChurn<TFrames>(TFrames frames, int window, int threads)
    where TFrames : struct, IFramesUnderTest
{
    private const int Seed = 0x7470;

    private readonly Pfn[][] _held = new Pfn[threads][];
    private readonly Random?[] _random = new Random?[threads];

    /// <summary>Prepares a thread.</summary>
    /// <param name="thread">The thread.</param>
    /// <param name="shuffled">
    /// Whether any free block may be the next one: the thread then takes twice as many blocks as it needs, keeps any half of them and puts
    /// the others back untouched. The allocator has no lists to shuffle; this does to it what a shuffled list does, for one more get and put.
    /// </param>
    public void SetUp(int thread, bool shuffled)
    {
        _held[thread] = new Pfn[shuffled ? 2 * window : window];
        _random[thread] = shuffled ? new Random(Seed + thread) : null;
    }

    /// <summary>One window.</summary>
    /// <param name="thread">The thread.</param>
    public void Round(int thread)
    {
        Pfn[] held = _held[thread];
        for (int i = 0; i < held.Length; i++)
        {
            held[i] = Get();
        }

        if (_random[thread] is { } random)
        {
            random.Shuffle(held);
            PutAll(held.AsSpan(window));
        }

        Span<Pfn> kept = held.AsSpan(0, window);
        foreach (Pfn block in kept)
        {
            Touch(block);
        }

        PutAll(kept);
    }

    /// <summary>Windows until the time is over, at least one.</summary>
    /// <returns>Blocks that were taken, written and put back.</returns>
    public long RunFor(int thread, TimeSpan time)
    {
        long start = Stopwatch.GetTimestamp();
        long blocks = 0;
        do
        {
            Round(thread);
            blocks += window;
        }
        while (Stopwatch.GetElapsedTime(start) < time);

        return blocks;
    }

    // Another line of each page, so that the pages do not all meet in the same few places of the caches.
    private void Touch(Pfn block)
    {
        byte* address = (byte*)frames.Allocator.Zone.AddressOf(block);
        for (nuint page = 0; page < Order.Huge.Frames; page++)
        {
            address[(page * Pfn.FrameBytes) + (page * CacheLine.Bytes % Pfn.FrameBytes)] = 1;
        }
    }

    private Pfn Get() => frames.TryGet(Order.Huge, out Pfn block) ? block : throw new InsufficientMemoryException("The zone ran out of blocks.");

    private void PutAll(ReadOnlySpan<Pfn> blocks)
    {
        foreach (Pfn block in blocks)
        {
            frames.Put(block, Order.Huge);
        }
    }
}

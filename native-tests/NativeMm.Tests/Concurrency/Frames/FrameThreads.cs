using System.Collections.Concurrent;
using System.Runtime.ExceptionServices;
using NativeMm.Frames;
using NativeMm.Platform;
using NativeMm.Primitives;
using NativeMm.Tests.Unit.Frames;
using Xunit;

namespace NativeMm.Tests.Concurrency.Frames;

/// <summary>
/// Threads that allocate, free, hand on, isolate and drain at once. Every frame that is out carries its holder's stamp, set and removed by
/// compare-and-swap, so that a frame handed out twice is caught at that moment.
/// </summary>
internal sealed unsafe class FrameThreads(FrameFixture fixture, int seed)
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(90);

    private readonly int[] _stamps = new int[fixture.Zone.FrameCount];
    private readonly ConcurrentBag<(Pfn Frame, uint Frames, int Stamp)> _handedOn = [];
    private readonly List<(string Name, Action Body)> _bodies = [];

    /// <summary>A thread that keeps some blocks, frees its own and those of others.</summary>
    public void AddWorker(int operations, int orderMax, bool bulk = false)
    {
        int id = _bodies.Count + 1;
        _bodies.Add(($"worker {id}", () => Work(id, new Random(seed + id), operations, orderMax, bulk)));
    }

    /// <summary>A thread that takes free blocks out, discards them and puts them back.</summary>
    public void AddReporter(int rounds, int order)
    {
        int id = _bodies.Count + 1;
        _bodies.Add(($"reporter {id}", () => Report(id, rounds, order)));
    }

    /// <summary>A thread that does what a reporter does, down to single frames.</summary>
    public void AddSweeper(int rounds)
    {
        int id = _bodies.Count + 1;
        _bodies.Add(($"sweeper {id}", () => Sweep(id, rounds)));
    }

    /// <summary>A thread that takes away whatever cores and threads keep for themselves.</summary>
    public void AddDrainer(int rounds) =>
        _bodies.Add(("drainer", () =>
        {
            for (int i = 0; i < rounds; i++)
            {
                fixture.Allocator.Drain();
                fixture.Allocator.GetStatistics();
            }
        }
    ));

    /// <summary>Lets all of them go at once, waits for them, frees what they left, and checks that every frame is free again.</summary>
    public void Run()
    {
        using var gate = new Barrier(_bodies.Count);
        ConcurrentQueue<ExceptionDispatchInfo> failures = [];
        List<Thread> threads = [];
        foreach ((string name, Action body) in _bodies)
        {
            threads.Add(new Thread(() =>
            {
                try
                {
                    Assert.True(gate.SignalAndWait(s_patience), "The start gate did not open.");
                    body();
                }
                catch (Exception e)
                {
                    failures.Enqueue(ExceptionDispatchInfo.Capture(e));
                }
            })
            {
                Name = name,
                IsBackground = true,
            });
        }

        threads.ForEach(thread => thread.Start());
        Assert.All(threads, thread => Assert.True(thread.Join(s_patience), $"Seed {seed}: {thread.Name} does not come to an end."));
        if (failures.TryDequeue(out ExceptionDispatchInfo? failure))
        {
            throw new InvalidOperationException($"Seed {seed}: {failure.SourceException.Message}", failure.SourceException);
        }

        while (_handedOn.TryTake(out (Pfn Frame, uint Frames, int Stamp) block))
        {
            Free(block);
        }

        fixture.Allocator.Validate();
        fixture.Allocator.Drain();
        FrameStatistics now = fixture.Allocator.GetStatistics();
        Assert.Equal(fixture.Zone.FrameCount, now.FreeFrames);
        Assert.Equal(fixture.Zone.FrameCount / 1024, now.FreeBlocks[10]);
    }

    private void Work(int id, Random random, int operations, int orderMax, bool bulk)
    {
        List<(Pfn Frame, uint Frames, int Stamp)> held = [];
        var batch = new Pfn[40];
        for (int i = 0; i < operations; i++)
        {
            int order = random.Next(4) == 0 ? random.Next(orderMax + 1) : random.Next(Math.Min(orderMax, 2) + 1);
            if (random.Next(100) < (held.Count < 40 ? 60 : 40))
            {
                FrameFlags flags = (FrameFlags)random.Next(8);
                if (bulk && random.Next(8) == 0)
                {
                    int count = fixture.Allocator.AllocateBulk(new Order(order), flags & ~FrameFlags.Zeroed, batch.AsSpan(0, random.Next(40)));
                    held.AddRange(batch.Take(count).Select(frame => Take(frame, 1u << order, id, knownZero: false)));
                }
                else if (order < 10 && random.Next(3) == 0)
                {
                    uint frames = (uint)random.Next(1, (1 << order) + 1);
                    if (fixture.Allocator.TryAllocateExact(frames, flags, out Pfn first, out bool isZero))
                    {
                        held.Add(Take(first, frames, id, isZero));
                    }
                }
                else if (fixture.Allocator.TryAllocate(new Order(order), flags, out Pfn frame, out bool knownZero))
                {
                    held.Add(Take(frame, 1u << order, id, knownZero));
                }
            }
            else if (held.Count != 0)
            {
                int at = random.Next(held.Count);
                (Pfn Frame, uint Frames, int Stamp) block = held[at];
                held[at] = held[^1];
                held.RemoveAt(held.Count - 1);
                if (random.Next(3) != 0)
                {
                    Free(block);

                    // Back to the same place, which another thread may be after at this moment.
                    if (block.Frames <= FrameRun.FramesMax
                        && random.Next(4) == 0
                        && fixture.Allocator.TryAllocateAt(block.Frame, block.Frames, out bool isZero))
                    {
                        held.Add(Take(block.Frame, block.Frames, id, isZero));
                    }
                }
                else
                {
                    _handedOn.Add(block);
                    if (_handedOn.TryTake(out block))
                    {
                        Free(block);
                    }
                }
            }
        }

        // Half is left to the others, so that frames are freed after the thread that took them is gone.
        held.Take(held.Count / 2).ToList().ForEach(_handedOn.Add);
        held.Skip(held.Count / 2).ToList().ForEach(Free);
    }

    private void Report(int id, int rounds, int order)
    {
        var blocks = new Pfn[4];
        uint cursor = 0;
        for (int i = 0; i < rounds; i++)
        {
            int count = fixture.Allocator.Isolate(new Order(order), blocks, ref cursor);
            var content = (FrameContent)(i % 3);
            foreach (Pfn block in blocks.AsSpan(0, count))
            {
                Stamp(block, 1u << order, 0, id);
                if (content == FrameContent.ReportedZero)
                {
                    fixture.Platform.Discard((nuint)fixture.WordOf(block), new Order(order).Bytes, DiscardMode.Now);
                }

                Stamp(block, 1u << order, id, 0);
            }

            fixture.Allocator.PutBack(blocks.AsSpan(0, count), new Order(order), content);
        }
    }

    private void Sweep(int id, int rounds)
    {
        IReportableFrames source = ReportableFrames.For(fixture.Allocator, BuddyReportScheme.Rotation);
        var ranges = new FrameRange[32];
        for (int i = 0; i < rounds; i++)
        {
            source.Begin(Order.Huge, Order.Zero, restart: i % 4 == 0);
            int count = source.Isolate(ranges.AsSpan(0, i % 3 == 0 ? 7 : 32), ulong.MaxValue);
            foreach (FrameRange range in ranges.AsSpan(0, count))
            {
                Stamp(range.Frame, range.Order.Frames, 0, id);
                fixture.Platform.Discard(range.Address, range.Bytes, DiscardMode.Now);
                Stamp(range.Frame, range.Order.Frames, id, 0);
            }

            source.PutBack(ranges.AsSpan(0, count), i % 5 == 0 ? FrameContent.Unknown : FrameContent.ReportedZero);
        }
    }

    private (Pfn Frame, uint Frames, int Stamp) Take(Pfn frame, uint frames, int id, bool knownZero)
    {
        Stamp(frame, frames, 0, id);
        for (uint f = frame.Value; f < frame.Value + frames; f++)
        {
            ulong* word = fixture.WordOf(new Pfn(f));
            Assert.True(!knownZero || *word == 0, $"Frame {f} holds {*word} and was promised to be zero.");
            *word = ((ulong)id << 32) | f;
        }

        return (frame, frames, id);
    }

    private void Free((Pfn Frame, uint Frames, int Stamp) block)
    {
        for (uint f = block.Frame.Value; f < block.Frame.Value + block.Frames; f++)
        {
            Assert.Equal(((ulong)block.Stamp << 32) | f, *fixture.WordOf(new Pfn(f)));
        }

        Stamp(block.Frame, block.Frames, block.Stamp, 0);
        if (block.Frames > Order.Huge.Frames)
        {
            fixture.Allocator.Free(block.Frame, Order.Max);
        }
        else
        {
            fixture.Allocator.FreeExact(block.Frame, block.Frames);
        }
    }

    private void Stamp(Pfn frame, uint frames, int from, int to)
    {
        for (uint f = frame.Value; f < frame.Value + frames; f++)
        {
            int found = Interlocked.CompareExchange(ref _stamps[f], to, from);
            Assert.True(found == from, $"Frame {f} belongs to {found}, not to {from}: it was handed out twice.");
        }
    }
}

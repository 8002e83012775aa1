using System.Globalization;
using System.Text;
using NativeMm.Frames;
using NativeMm.Primitives;
using NativeMm.Tests.Unit.Reporting;
using Xunit;

namespace NativeMm.Tests.Model.Reporting;

/// <summary>
/// Random histories of walks that are interrupted by their budget at any point, with others allocating and freeing while blocks are isolated:
/// whatever is told of is free and was used since it was last told of, and what is left over in the end is exactly what the model says.
/// </summary>
public sealed class InterruptedWalkTests
{
    private const int Steps = 150;
    private const uint Megabytes = 16;
    private const uint FramesOfZone = Megabytes << 8;

    public static TheoryData<ReporterVariant, int, int, int> Histories
    {
        get
        {
            TheoryData<ReporterVariant, int, int, int> data = [];
            foreach (ReporterVariant variant in Enum.GetValues<ReporterVariant>())
            {
                for (int seed = 1; seed <= 12; seed++)
                {
                    data.Add(variant, 9, 4, seed);
                    data.Add(variant, 9, 9, seed);
                    data.Add(variant, 10, 5, seed);
                    data.Add(variant, 7, variant.IsLockFree() ? 5 : 0, seed);
                }
            }

            return data;
        }
    }

    [Theory]
    [MemberData(nameof(Histories))]
    public void What_is_told_of_is_free_and_was_used_since(ReporterVariant variant, int blocks, int pieces, int seed)
    {
        using var fixture = new ReporterFixture(variant, Megabytes);
        var history = new History(fixture, variant, blocks, pieces, seed);
        for (int step = 0; step < Steps; step++)
        {
            history.Use();
            history.Walk();
            fixture.Allocator.Validate();
        }

        history.Finish();
    }

    [Theory]
    [InlineData(BuddyReportScheme.Rotation)]
    [InlineData(BuddyReportScheme.Boundary)]
    public void Frames_in_the_lists_of_cores_are_never_told_of(BuddyReportScheme scheme)
    {
        using var frames = new Unit.Frames.FrameFixture(Unit.Frames.FrameVariant.Buddy, Megabytes);
        IReportableFrames source = ReportableFrames.For(frames.Allocator, scheme);
        var random = new Random(7);
        var ranges = new FrameRange[32];
        List<(Pfn Frame, int Order)> live = [];
        for (int step = 0; step < 2000; step++)
        {
            if (random.Next(2) == 0)
            {
                source.Begin(Order.Huge, Order.Zero, restart: false);
                int count = source.Isolate(ranges.AsSpan(0, random.Next(1, 33)), (ulong)random.Next(1, 2000));
                frames.Allocator.Validate();
                foreach (FrameRange range in ranges.AsSpan(0, count))
                {
                    Assert.DoesNotContain(live, block => Overlap(range, block.Frame, block.Order));
                    Assert.All(Enumerable.Range(0, (int)range.Order.Frames), at => Assert.NotEqual(BlockState.PerCore, StateOf(frames.Zone, range.Frame.Value + (uint)at)));
                }

                source.PutBack(ranges.AsSpan(0, count), FrameContent.Reported);
            }

            int order = random.Next(5);
            if (random.Next(2) == 0 && frames.Allocator.TryAllocate(new Order(order), KindOf(random), out Pfn frame, out _))
            {
                live.Add((frame, order));
            }
            else if (live.Count != 0)
            {
                (frame, order) = live[random.Next(live.Count)];
                live.Remove((frame, order));
                frames.Allocator.Free(frame, new Order(order));
            }
        }

        live.ForEach(block => frames.Allocator.Free(block.Frame, new Order(block.Order)));
    }

    private static BlockState StateOf(FrameZone zone, uint frame) => new BuddyWord(zone.Descriptor(new Pfn(frame)).Block).State;

    private static FrameFlags KindOf(Random random) =>
        FrameFlags.NoReclaim | random.Next(3) switch { 0 => FrameFlags.None, 1 => FrameFlags.Movable, _ => FrameFlags.Reclaimable };

    private static bool Overlap(FrameRange range, Pfn frame, int order) =>
        range.Frame.Value < frame.Value + (1u << order) && frame.Value < range.Frame.Value + range.Order.Frames;

    private sealed class History(ReporterFixture fixture, ReporterVariant variant, int blocks, int pieces, int seed)
    {
        private readonly ReportingModel _model = new(variant, FramesOfZone, blocks, pieces);
        private readonly Random _random = new(seed);
        private readonly StringBuilder _text = new();
        private readonly List<(Pfn Frame, int Order)> _live = [];
        private readonly FrameRange[] _ranges = new FrameRange[32];
        private ulong _freed;
        private ulong _told;

        /// <summary>Allocates or frees a few blocks of all kinds.</summary>
        public void Use()
        {
            for (int i = _random.Next(6); i > 0; i--)
            {
                int orderMin = variant.IsCached() ? 1 : 0;
                int order = _random.Next(4) == 0 ? _random.Next(9, 11) : _random.Next(orderMin, 9);
                if (_random.Next(2) != 0 && fixture.Allocator.TryAllocate(new Order(order), KindOf(_random), out Pfn frame, out _))
                {
                    Note($"a{order}@{frame}");
                    _live.Add((frame, order));
                    _model.Allocate(frame, order);
                }
                else if (_live.Count != 0)
                {
                    (frame, order) = _live[_random.Next(_live.Count)];
                    Free(frame, order);
                }
            }
        }

        /// <summary>Some calls of a pass with a small budget; in the middle of a call others go on.</summary>
        public void Walk()
        {
            Begin(restart: _random.Next(20) == 0);
            ulong budget = (ulong)_random.Next(1, 3000);
            for (int call = _random.Next(4); call > 0 && budget > 0; call--)
            {
                (int count, ulong held) = Isolate(_random.Next(1, 33), budget);
                Use();
                PutBack(count, held, (FrameContent)_random.Next(3));
                budget -= Math.Min(budget, held);
            }
        }

        /// <summary>A walk without a budget tells exactly what the model says, then nothing is left.</summary>
        public void Finish()
        {
            HashSet<uint> expected = _model.Reportable();
            HashSet<uint> told = [];
            Begin(restart: true);
            while (Isolate(32, ulong.MaxValue) is ( > 0, _) call)
            {
                foreach (FrameRange range in _ranges.AsSpan(0, call.Count))
                {
                    Assert.All(Enumerable.Range((int)range.Frame.Value, (int)range.Order.Frames), frame => Assert.True(told.Add((uint)frame), $"{frame}: {_text}"));
                }

                PutBack(call.Count, call.Held, FrameContent.Reported);
            }

            Assert.True(told.SetEquals(expected), $"{told.Count} frames instead of {expected.Count}. {_text}");
            Assert.Empty(_model.Reportable());
            while (_live.Count != 0)
            {
                Free(_live[^1].Frame, _live[^1].Order);
            }
        }

        private void Begin(bool restart)
        {
            Note(restart ? "B" : "b");
            fixture.Source.Begin(new Order(blocks), new Order(pieces), restart);
        }

        private (int Count, ulong Held) Isolate(int room, ulong budget)
        {
            int count = fixture.Source.Isolate(_ranges.AsSpan(0, room), budget);
            ulong held = 0;
            foreach (FrameRange range in _ranges.AsSpan(0, count))
            {
                Note($"i{range.Order}@{range.Frame}");
                uint dirty = _model.Held(range.Frame, range.Order.Value);
                Assert.True(dirty != 0, $"Told of {range}, which is in use, or told of already. {_text}");
                Assert.True(!variant.IsLockFree() || dirty == range.HeldFrames, $"{range}: {range.HeldFrames} held instead of {dirty}. {_text}");
                _model.Isolate(range.Frame, range.Order.Value);
                held += range.HeldFrames;
            }

            Assert.True(held <= budget, $"{held} frames for a budget of {budget}. {_text}");
            return (count, held);
        }

        private void PutBack(int count, ulong held, FrameContent content)
        {
            Note($"p{content}");
            fixture.Source.PutBack(_ranges.AsSpan(0, count), content);
            bool isReported = content != FrameContent.Unknown;
            foreach (FrameRange range in _ranges.AsSpan(0, count))
            {
                _model.PutBack(range.Frame, range.Order.Value, isReported);
            }

            // Single frames are counted once for each time that they were freed; pieces of 64 KiB for any frame in them.
            _told += isReported ? held : 0;
            Assert.True(variant.IsLockFree() || _told <= _freed, $"{_told} frames are said to have gone back, {_freed} were freed. {_text}");
        }

        private void Free(Pfn frame, int order)
        {
            Note($"f{order}@{frame}");
            _live.Remove((frame, order));
            _freed += 1u << order;
            fixture.Allocator.Free(frame, new Order(order));
            _model.Free(frame, order);
        }

        private void Note(string what) => _text.Append(CultureInfo.InvariantCulture, $"{what} ");
    }
}

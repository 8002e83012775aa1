using NativeMm.Frames;
using NativeMm.Primitives;
using Xunit;

namespace NativeMm.Tests.Unit.Lab;

/// <summary>The simplest allocator of single frames: a set of free ones, from which the lowest or any one is taken. One thread.</summary>
internal sealed class ChoosingFrameAllocator : IFrameAllocator
{
    private readonly PriorityQueue<uint, int> _free = new();
    private readonly Random _random = new(1);
    private readonly bool[] _taken;
    private readonly bool _lowest;

    public ChoosingFrameAllocator(uint frames, bool lowest)
    {
        _taken = new bool[frames];
        _lowest = lowest;
        for (uint i = 0; i < frames; i++)
        {
            Add(i);
        }
    }

    public FrameZone Zone => throw new NotSupportedException();

    public bool TryAllocate(Order order, FrameFlags flags, out Pfn frame, out bool knownZero)
    {
        Assert.Equal(Order.Zero, order);
        knownZero = false;
        bool found = _free.TryDequeue(out uint number, out _);
        frame = found ? new Pfn(number) : Pfn.None;
        if (found)
        {
            Assert.False(_taken[number]);
            _taken[number] = true;
        }

        return found;
    }

    public void Free(Pfn frame, Order order)
    {
        Assert.True(_taken[frame.Value]);
        _taken[frame.Value] = false;
        Add(frame.Value);
    }

    public FrameStatistics GetStatistics()
    {
        ulong[] blocks = new ulong[Order.Count];
        blocks[Order.Huge.Value] = (ulong)_taken.Chunk((int)Order.Huge.Frames).Count(block => !block.Contains(true));
        return new FrameStatistics
        {
            ManagedFrames = (ulong)_taken.Length,
            FreeFrames = (ulong)_free.Count,
            PerCoreFrames = 0,
            AllocatedFrames = (ulong)(_taken.Length - _free.Count),
            IsolatedFrames = 0,
            ReportedFrames = 0,
            FreeBlocks = blocks,
        };
    }

    public ulong Drain() => 0;

    public void Dispose()
    {
    }

    public int AllocateBulk(Order order, FrameFlags flags, Span<Pfn> frames) => throw new NotSupportedException();

    public void FreeBulk(ReadOnlySpan<Pfn> frames, Order order) => throw new NotSupportedException();

    public int Isolate(Order order, Span<Pfn> blocks, ref uint cursor) => throw new NotSupportedException();

    public void PutBack(ReadOnlySpan<Pfn> blocks, Order order, FrameContent content) => throw new NotSupportedException();

    public void AddShrinker(IShrinker shrinker) => throw new NotSupportedException();

    public void RemoveShrinker(IShrinker shrinker) => throw new NotSupportedException();

    public void Validate() => throw new NotSupportedException();

    private void Add(uint frame) => _free.Enqueue(frame, _lowest ? (int)frame : _random.Next());
}

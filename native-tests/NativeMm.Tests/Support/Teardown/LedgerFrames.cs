using NativeMm.Frames;
using NativeMm.Platform;
using NativeMm.Primitives;
using Xunit;

namespace NativeMm.Tests.Support.Teardown;

/// <summary>
/// Frames of a zone of its own, of which each is known to be out or not: handing out one that is out, and taking back one that is not, fail the test at the end. Allocations may
/// be refused from a number on. Disposing checks that all came back.
/// </summary>
internal sealed class LedgerFrames : IFrameAllocator, IFrameSource
{
    private readonly LockFreeFrameAllocator _frames;
    private readonly int[] _out;
    private string? _mistake;
    private int _untilRefusal = int.MaxValue;
    private int _refusals;
    private long _allocated;

    public LedgerFrames(uint megabytes)
    {
        Assert.True(FrameZone.TryCreate(SystemPlatform.Current, ZoneKind.Normal, (ulong)megabytes << 20, out FrameZone? zone).Succeeded);
        Zone = zone!;
        _frames = new LockFreeFrameAllocator(Zone);
        _out = new int[Zone.FrameCount];
    }

    public FrameZone Zone { get; }

    /// <summary>Frames that are out.</summary>
    public long Allocated => Volatile.Read(ref _allocated);

    /// <summary>Allocations that were refused by order.</summary>
    public int Refusals => Volatile.Read(ref _refusals);

    private IFrameSource Source => _frames;

    /// <summary>Refuses every n-th allocation from now on; 0 for none.</summary>
    public int RefuseEvery { get; set; }

    /// <summary>Called before frames come back, under no lock.</summary>
    public Action? Freeing { get; set; }

    public bool TryAllocate(Order order, FrameFlags flags, out Pfn frame, out bool knownZero)
    {
        if (RefuseEvery != 0 && Interlocked.Decrement(ref _untilRefusal) % RefuseEvery == 0)
        {
            Interlocked.Increment(ref _refusals);
            (frame, knownZero) = (Pfn.None, false);
            return false;
        }

        if (!_frames.TryAllocate(order, flags, out frame, out knownZero))
        {
            return false;
        }

        Note(frame, order, isOut: 1);
        return true;
    }

    public void Free(Pfn frame, Order order)
    {
        Freeing?.Invoke();
        Note(frame, order, isOut: 0);
        _frames.Free(frame, order);
    }

    public int AllocateBulk(Order order, FrameFlags flags, Span<Pfn> frames)
    {
        int count = 0;
        while (count < frames.Length && TryAllocate(order, flags, out frames[count], out _))
        {
            count++;
        }

        return count;
    }

    public void FreeBulk(ReadOnlySpan<Pfn> frames, Order order)
    {
        Freeing?.Invoke();
        foreach (Pfn frame in frames)
        {
            Note(frame, order, isOut: 0);
        }

        _frames.FreeBulk(frames, order);
    }

    public int Isolate(Order order, Span<Pfn> blocks, ref uint cursor) => _frames.Isolate(order, blocks, ref cursor);

    public void PutBack(ReadOnlySpan<Pfn> blocks, Order order, FrameContent content) => _frames.PutBack(blocks, order, content);

    public ulong Drain() => _frames.Drain();

    public void AddShrinker(IShrinker shrinker) => _frames.AddShrinker(shrinker);

    public void RemoveShrinker(IShrinker shrinker) => _frames.RemoveShrinker(shrinker);

    public FrameStatistics GetStatistics() => _frames.GetStatistics();

    public void Validate() => _frames.Validate();

    bool IFrameSource.CanSplit => true;

    void IFrameSource.Split(Pfn block) => Source.Split(block);

    IReportableFrames IFrameSource.Reportable(IFrameAllocator surface, BuddyReportScheme scheme) => Source.Reportable(surface, scheme);

    IsolationMark IFrameSource.ReadIsolation() => Source.ReadIsolation();

    ulong IFrameSource.CountFreeFrames() => Source.CountFreeFrames();

    ulong IFrameSource.DrainIdle() => Source.DrainIdle();

    public void AssertNoMistake() => Assert.Null(_mistake);

    public void Dispose()
    {
        AssertNoMistake();
        Assert.Equal(0, Allocated);
        _frames.Validate();
        _frames.Dispose();
        Zone.Dispose();
    }

    private void Note(Pfn first, Order order, int isOut)
    {
        for (uint i = 0; i < order.Frames; i++)
        {
            if (Interlocked.Exchange(ref _out[first.Value + i], isOut) == isOut)
            {
                _mistake ??= $"Frame {first.Value + i} is {(isOut == 1 ? "handed out" : "freed")} twice.";
            }
        }

        Interlocked.Add(ref _allocated, isOut == 1 ? order.Frames : -(long)order.Frames);
    }
}

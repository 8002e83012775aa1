using NativeMm.Frames;
using NativeMm.Primitives;
using NativeMm.Tests.Unit.Reporting;

namespace NativeMm.Tests.Model.Reporting;

/// <summary>
/// What a reporter must report, from two bits a frame: free, and dirty since it was reported. The lock-free allocator remembers reports by
/// 64 KiB, the buddy by free blocks, where one dirty frame makes the whole block dirty when blocks merge.
/// </summary>
/// <param name="variant">Which rules.</param>
/// <param name="frames">Frames of the zone.</param>
/// <param name="blocks">Order of the blocks that come first.</param>
/// <param name="pieces">Smallest order.</param>
internal sealed class ReportingModel(ReporterVariant variant, uint frames, int blocks, int pieces)
{
    private const int GranuleFrames = 16;

    private readonly bool[] _free = [.. Enumerable.Repeat(true, (int)frames)];
    private readonly bool[] _dirty = new bool[frames];

    public void Allocate(Pfn frame, int order)
    {
        Span(_free, frame.Value, 1u << order).Clear();
        if (variant.IsLockFree())
        {
            uint first = frame.Value & ~(GranuleFrames - 1u);
            Span(_dirty, first, Math.Max(GranuleFrames, 1u << order)).Fill(true);
        }
    }

    public void Free(Pfn frame, int order)
    {
        Span(_free, frame.Value, 1u << order).Fill(true);
        Span(_dirty, frame.Value, 1u << order).Fill(true);
        if (!variant.IsLockFree())
        {
            Merge(frame.Value);
        }
    }

    /// <summary>Frames of a block that a reporter may take out now and must take into account; none when it may not.</summary>
    public uint Held(Pfn frame, int order)
    {
        uint size = 1u << order;
        bool isFree = !Span(_free, frame.Value, size).Contains(false);
        return isFree && (variant.IsLockFree() || LargestFreeAround(frame.Value) == order) ? (uint)Span(_dirty, frame.Value, size).Count(true) : 0;
    }

    public void Isolate(Pfn frame, int order) => Span(_free, frame.Value, 1u << order).Clear();

    /// <summary>An isolated block is free again, and merges with what was freed beside it in the meantime.</summary>
    public void PutBack(Pfn frame, int order, bool isReported)
    {
        Span(_free, frame.Value, 1u << order).Fill(true);
        Span(_dirty, frame.Value, 1u << order).Fill(!isReported);
        if (!variant.IsLockFree())
        {
            Merge(frame.Value);
        }
    }

    /// <summary>The frames that the next complete walk must report, and no others.</summary>
    public HashSet<uint> Reportable()
    {
        HashSet<uint> found = [];
        if (variant.IsLockFree())
        {
            Collect(found, blocks);
            Collect(found, pieces);
            return found;
        }

        for (uint frame = 0; frame < frames;)
        {
            int order = _free[frame] ? LargestFreeAround(frame) : 0;
            uint size = 1u << order;
            if (order >= pieces && Span(_free, frame, size)[0] && Span(_dirty, frame, size).Contains(true))
            {
                found.UnionWith(Enumerable.Range((int)frame, (int)size).Select(f => (uint)f));
            }

            frame += size;
        }

        return found;
    }

    public void Report(IEnumerable<uint> reported)
    {
        foreach (uint frame in reported)
        {
            _dirty[frame] = false;
        }
    }

    /// <summary>The device failed: nothing is known any more of what lies in the blocks.</summary>
    public void Fail(IEnumerable<uint> isolated)
    {
        foreach (uint frame in isolated)
        {
            _dirty[frame] = true;
        }
    }

    /// <summary>A dirty frame makes the whole block dirty that it merges into.</summary>
    private void Merge(uint frame)
    {
        int order = LargestFreeAround(frame);
        Span<bool> merged = Span(_dirty, frame & ~((1u << order) - 1), 1u << order);
        merged.Fill(merged.Contains(true));
    }

    private static Span<bool> Span(bool[] bits, uint first, uint count) => bits.AsSpan((int)first, (int)count);

    private void Collect(HashSet<uint> found, int order)
    {
        uint size = 1u << order;
        for (uint frame = 0; frame < frames; frame += size)
        {
            if (!Span(_free, frame, size).Contains(false) && !found.Contains(frame) && Span(_dirty, frame, size).Contains(true))
            {
                found.UnionWith(Enumerable.Range((int)frame, (int)size).Select(f => (uint)f));
            }
        }
    }

    private int LargestFreeAround(uint frame)
    {
        int order = 0;
        while (order < Order.MaxValue && !Span(_free, frame & ~((2u << order) - 1), 2u << order).Contains(false))
        {
            order++;
        }

        return order;
    }
}

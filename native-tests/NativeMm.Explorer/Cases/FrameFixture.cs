using NativeMm.Explorer.Running;
using NativeMm.Frames;
using NativeMm.Platform;
using NativeMm.Primitives;

namespace NativeMm.Explorer.Cases;

/// <summary>A small zone under the lock-free allocator, and cells that stand for what lies in some of its frames.</summary>
internal sealed class FrameFixture
{
    private static readonly ArenaPlatform s_platform = new();
    private static readonly uint[] s_watched = [0, 1, 16, 492, 493, 496, 508, 509, 510, 511, 512, 1023, 1024];
    private readonly Cell[] _content;

    /// <summary>Makes it.</summary>
    /// <param name="children">Blocks of 2 MiB.</param>
    /// <param name="isTouched">Whether the system holds all frames; otherwise it has them all.</param>
    /// <param name="hasSteps">Whether a thread may be stopped before it touches a frame; see <see cref="Cell"/>.</param>
    public FrameFixture(uint children = 1, bool isTouched = true, bool hasSteps = false)
    {
        _content = [.. s_watched.Select(frame => new Cell($"frame {frame}", isStep: hasSteps))];
        PlatformResult result = FrameZone.TryCreate(s_platform, ZoneKind.Normal, (ulong)children << 21, out FrameZone? zone);
        Plan.Check(result.Succeeded, "the arena refused a zone");
        Frames = new LockFreeFrameAllocator(zone!, coreSlots: 4);
        if (isTouched)
        {
            Pfn[] whole = [.. Enumerable.Range(0, (int)children).Select(_ => Allocate(Order.Huge))];
            foreach (Pfn block in whole)
            {
                Frames.Free(block, Order.Huge);
            }
        }
    }

    /// <summary>The allocator.</summary>
    public LockFreeFrameAllocator Frames { get; }

    /// <summary>Allocates before the threads begin.</summary>
    public Pfn Allocate(Order order)
    {
        Plan.Check(Frames.TryAllocate(order, FrameFlags.NoReclaim, out Pfn frame, out _), $"no block of order {order} for the preparation");
        return frame;
    }

    /// <summary>Allocates all but the last frames of the only child.</summary>
    /// <param name="order">log2 of how many are left.</param>
    public void Fill(int order)
    {
        for (int o = Order.Huge.Value - 1; o >= order; o--)
        {
            Allocate(new Order(o));
        }
    }

    /// <summary>Allocates, works in the block, and frees it, if there is one.</summary>
    public void TryUse(Order order)
    {
        if (Frames.TryAllocate(order, FrameFlags.NoReclaim, out Pfn frame, out bool isZero))
        {
            Use(frame, order, isZero);
            Frames.Free(frame, order);
        }
    }

    /// <summary>The owner of a block writes into its frames.</summary>
    /// <param name="block">First frame.</param>
    /// <param name="order">Its order.</param>
    /// <param name="isZero">Whether he was told that they read as zero.</param>
    public void Use(Pfn block, Order order, bool isZero = false)
    {
        ForEach(block, order, cell =>
        {
            Plan.Check(!isZero || cell.Value == 0, "a block that is known to be zero holds something");
            cell.Value = 1;
        });
    }

    /// <summary>The system takes the pages of a block.</summary>
    public void Discard(Pfn block, Order order) => ForEach(block, order, static cell => cell.Value = 0);

    private void ForEach(Pfn block, Order order, Action<Cell> act)
    {
        for (int i = 0; i < s_watched.Length; i++)
        {
            if (s_watched[i] - block.Value < order.Frames)
            {
                act(_content[i]);
            }
        }
    }
}

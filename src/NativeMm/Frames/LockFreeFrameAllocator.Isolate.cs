using System.Runtime.CompilerServices;
using NativeMm.Primitives;

namespace NativeMm.Frames;

/// <content>
/// Taking free blocks out so that their pages can go back to the operating system. An isolated block is allocated as far as words and bitmaps
/// go, so no allocation can meet it. What tells it apart is the state of its children from order 9 on and its descriptor below; and a counter.
/// </content>
public sealed unsafe partial class LockFreeFrameAllocator
{
    private const int ShrinkAttemptsMax = 16;

    /// <summary>The smallest blocks whose return to the operating system is remembered: 64 KiB.</summary>
    internal static Order SmallestReported => new(GranuleOrder);

    /// <inheritdoc/>
    /// <remarks>
    /// Blocks of order 4 (64 KiB) and more are offered once and not again until they were allocated. The return of smaller ones is not
    /// remembered.
    /// </remarks>
    public int Isolate(Order order, Span<Pfn> blocks, ref uint cursor)
    {
        uint size = order.Frames;
        uint end = (uint)Math.Min(_frameCount, (ulong)Frontier << FrameTree.FrameShift);
        uint at = (uint)Math.Min(((ulong)cursor + size - 1) & ~((ulong)size - 1), end);
        int count = 0;
        Atomic.Add(ref _state->InFlight, (ulong)blocks.Length); // [A10]
        while (count < blocks.Length && end - at >= size)
        {
            ChildWord word = ReadChild(at / ChildWord.Frames);
            if (order.Value < HugeOrder && (word.Free < size || word.FreeTouched <= 0))
            {
                // Nothing in this child: go on with the next one.
                at = (at | (ChildWord.Frames - 1)) + 1;
                continue;
            }

            if (TryIsolate(at, order.Value))
            {
                Atomic.Add(ref _state->IsolatedFrames, size);
                blocks[count++] = new Pfn(at);
            }

            at += size;
        }

        Land(blocks.Length - count); // [A11]
        cursor = end - at >= size ? at : 0;
        return count;
    }

    /// <inheritdoc/>
    public void PutBack(ReadOnlySpan<Pfn> blocks, Order order, FrameContent content)
    {
        foreach (Pfn block in blocks)
        {
            if (block.Value >= _frameCount || (block.Value & (order.Frames - 1)) != 0)
            {
                FrameFault.ThrowNotABlock(_zone, block, order);
            }

            if (order.Value >= HugeOrder)
            {
                if (!TryFreeHuge(block, order, WholeStates.Isolated, content))
                {
                    FrameFault.ThrowNotIsolated(_zone, block, order);
                }
            }
            else
            {
                PutBackPiece(block, order, content);
            }

            Atomic.Add(ref _state->IsolatedFrames, 0UL - order.Frames);
            Land(1); // [A11]
        }
    }

    /// <summary>
    /// Counts what is allocated and what the operating system may hold for nobody: one look at each word up to the frontier, nothing kept on the
    /// paths that allocate and free.
    /// </summary>
    internal FrameUse SampleUse()
    {
        ulong used = 0;
        ulong unreported = 0;
        uint children = Math.Min(_childCount, Frontier * FrameTree.ChildCount);
        for (uint child = 0; child < children; child++)
        {
            // Each word is of another moment; an estimate is all that the pace needs.
            ChildWord word = ReadChild(child);
            used += word.Used;
            unreported += (ulong)Math.Max(0, word.FreeTouched);
        }

        return new FrameUse(used - Math.Min(used, Atomic.LoadAcquire(ref _state->IsolatedFrames)), unreported);
    }

    /// <summary>How many frames are free; looks no further than to have found enough.</summary>
    internal ulong CountFree(ulong enough)
    {
        uint children = Math.Min(_childCount, Frontier * FrameTree.ChildCount);
        ulong free = (ulong)(_childCount - children) * ChildWord.Frames;
        for (uint child = 0; child < children && free < enough; child++)
        {
            free += ReadChild(child).Free;
        }

        return free;
    }

    private void Land(int blocks)
    {
        Atomic.Add(ref _state->PutBacks, 1UL);
        Atomic.Add(ref _state->InFlight, 0UL - (ulong)blocks);
    }

    /// <summary>
    /// Asks the shrinkers for memory and tries again; several times when a reporter had blocks isolated in the meantime, which a single try may
    /// have missed although they are free.
    /// </summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    private bool TryAllocateShrinking(ref uint reservation, TreeKind kind, int order, out uint frame, out bool knownZero)
    {
        for (int attempt = 0; attempt < ShrinkAttemptsMax; attempt++)
        {
            ulong putBacks = Atomic.LoadAcquire(ref _state->PutBacks); // [A12]
            if (!_shrinkers.Run(1u << order))
            {
                break;
            }

            if (TryAllocateElsewhere(ref reservation, kind, order, out frame, out knownZero))
            {
                return true;
            }

            // In this order: when nothing is in flight any more, whatever was is counted as put back.
            if (Atomic.LoadAcquire(ref _state->InFlight) == 0 && Atomic.LoadAcquire(ref _state->PutBacks) == putBacks) // [A12]
            {
                break;
            }
        }

        frame = NoFrame;
        knownZero = false;
        return false;
    }

    /// <summary>Below order 9: the block is claimed in the bitmap, and its descriptor says for whom.</summary>
    private void PutBackPiece(Pfn block, Order order, FrameContent content)
    {
        ref PageFrame descriptor = ref _zone.Descriptor(block);
        if (descriptor.Owner != FrameOwner.Isolated || descriptor.Order != order.Value)
        {
            FrameFault.ThrowNotIsolated(_zone, block, order);
        }

        // The descriptor belongs to the next owner as soon as the block is free.
        descriptor.Owner = FrameOwner.None;
        Report(block.Value, order.Value, content);
        Free(block, order);
    }

    private bool TryIsolate(uint frame, int order)
    {
        uint child = frame / ChildWord.Frames;
        if (order >= HugeOrder)
        {
            return IsTouched(child, order) && TryClaimWhole(child, order, WholeStates.Isolated, out _);
        }

        uint granules = GranulesOf(frame, order);
        if ((ReadChild(child).Touched & granules) == 0 || CountTaken(frame, order) != 0
            || !ChildWord.TryChange(ref Child(child), new ChildTransitions.Take(1u << order), out _)) // [A1]
        {
            return false;
        }

        if (!TryClaimBlock(frame, order)) // [A2] pairs with [A3]
        {
            Put(child, 1u << order);
            return false;
        }

        // A block of several granules may hold untouched ones: only free frames are untouched.
        Touch(ref Child(child), granules);
        ref PageFrame descriptor = ref _zone.Descriptor(new Pfn(frame));
        descriptor.Owner = FrameOwner.Isolated;
        descriptor.Order = (byte)order;
        return true;
    }

    /// <summary>Writes down that whole granules went to the operating system, while their frames still belong to the caller.</summary>
    private void Report(uint frame, int order, FrameContent content)
    {
        if (order >= GranuleOrder && content != FrameContent.Unknown)
        {
            ChildWord.TryChange(
                ref Child(frame / ChildWord.Frames),
                new ChildTransitions.Report(GranulesOf(frame, order), content == FrameContent.ReportedZero), // [A9]
                out _);
        }
    }
}

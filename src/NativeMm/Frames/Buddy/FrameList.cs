using System.Runtime.InteropServices;
using NativeMm.Diagnostics;
using NativeMm.Primitives;

namespace NativeMm.Frames;

/// <summary>
/// A doubly linked list of blocks through the descriptors of their first frames. All zero is an empty list: links are frame numbers plus one.
/// Guarded by the lock of whoever has the list.
/// </summary>
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct FrameList
{
    private uint _head;
    private uint _tail;

    /// <summary>Blocks on the list.</summary>
    public uint Count { get; private set; }

    /// <summary>First block, or <see cref="Pfn.None"/>.</summary>
    public readonly Pfn Head => new(_head - 1);

    /// <summary>Last block, or <see cref="Pfn.None"/>.</summary>
    public readonly Pfn Tail => new(_tail - 1);

    private readonly bool AreEndsWhole => (_head == 0) == (Count == 0) && (_tail == 0) == (Count == 0);

    /// <summary>The block after one on this list, or <see cref="Pfn.None"/>.</summary>
    public static Pfn Next(PageFrame* frames, Pfn block) => new(frames[block.Value].NextFree - 1);

    /// <summary>The block before one on this list, or <see cref="Pfn.None"/>.</summary>
    public static Pfn Previous(PageFrame* frames, Pfn block) => new(frames[block.Value].PreviousFree - 1);

    /// <summary>Puts a block in front.</summary>
    public void AddHead(PageFrame* frames, Pfn block)
    {
        Invariant.Assert(AreEndsWhole, $"A list of {Count} blocks has one end and not the other.");
        Invariant.Assert(_head != block.Value + 1, $"Block {block} is put in front of itself.");
        uint link = block.Value + 1;
        frames[block.Value].NextFree = _head;
        frames[block.Value].PreviousFree = 0;
        if (_head != 0)
        {
            frames[_head - 1].PreviousFree = link;
        }
        else
        {
            _tail = link;
        }

        _head = link;
        Count++;
    }

    /// <summary>Puts a block at the end.</summary>
    public void AddTail(PageFrame* frames, Pfn block)
    {
        Invariant.Assert(AreEndsWhole, $"A list of {Count} blocks has one end and not the other.");
        Invariant.Assert(_tail != block.Value + 1, $"Block {block} is put behind itself.");
        uint link = block.Value + 1;
        frames[block.Value].NextFree = 0;
        frames[block.Value].PreviousFree = _tail;
        if (_tail != 0)
        {
            frames[_tail - 1].NextFree = link;
        }
        else
        {
            _head = link;
        }

        _tail = link;
        Count++;
    }

    /// <summary>Puts a block before one that is on this list.</summary>
    public void AddBefore(PageFrame* frames, Pfn next, Pfn block)
    {
        Invariant.Assert(Count != 0, $"Block {block} is put before {next} on a list without any.");
        uint previous = frames[next.Value].PreviousFree;
        if (previous == 0)
        {
            AddHead(frames, block);
            return;
        }

        uint link = block.Value + 1;
        frames[block.Value].NextFree = next.Value + 1;
        frames[block.Value].PreviousFree = previous;
        frames[previous - 1].NextFree = link;
        frames[next.Value].PreviousFree = link;
        Count++;
    }

    /// <summary>Turns the list until a block that is on it is in front: those before it go behind the others, in their order.</summary>
    public void RotateTo(PageFrame* frames, Pfn block)
    {
        uint link = block.Value + 1;
        if (link == _head)
        {
            return;
        }

        uint last = frames[block.Value].PreviousFree;
        Invariant.Assert(last != 0 && frames[last - 1].NextFree == link, $"Block {block} is not behind the one that it names.");
        frames[_tail - 1].NextFree = _head;
        frames[_head - 1].PreviousFree = _tail;
        frames[last - 1].NextFree = 0;
        frames[block.Value].PreviousFree = 0;
        _head = link;
        _tail = last;
    }

    /// <summary>Takes a block out that is on this list.</summary>
    public void Remove(PageFrame* frames, Pfn block)
    {
        uint next = frames[block.Value].NextFree;
        uint previous = frames[block.Value].PreviousFree;
        Invariant.Assert(Count != 0, $"Block {block} is taken from a list without any.");
        Invariant.Assert(previous != 0 ? frames[previous - 1].NextFree == block.Value + 1 : _head == block.Value + 1, $"The block before {block} does not lead to it.");
        Invariant.Assert(next != 0 ? frames[next - 1].PreviousFree == block.Value + 1 : _tail == block.Value + 1, $"The block behind {block} does not lead back to it.");
        if (previous != 0)
        {
            frames[previous - 1].NextFree = next;
        }
        else
        {
            _head = next;
        }

        if (next != 0)
        {
            frames[next - 1].PreviousFree = previous;
        }
        else
        {
            _tail = previous;
        }

        Count--;
    }
}

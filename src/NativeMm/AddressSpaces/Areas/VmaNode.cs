using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using NativeMm.Diagnostics;

namespace NativeMm.AddressSpaces;

/// <summary>
/// A node of the tree of areas: up to 15 areas, or nodes, in order. Immutable once it is reachable; the columns lie apart so that a search reads two lines.
/// </summary>
[StructLayout(LayoutKind.Explicit, Size = Bytes)]
internal unsafe struct VmaNode
{
    /// <summary>Size of a node.</summary>
    public const int Bytes = 512;

    /// <summary>Most entries.</summary>
    public const int FanOut = 15;

    // Owner: whoever is the writer of the space, before the node is reachable.
    [FieldOffset(0)]
    public int Count;

    // 0 for a node of areas.
    [FieldOffset(4)]
    public int Height;

    // Owner: the store of the nodes. The next one in a list of free or retired ones.
    [FieldOffset(LinkList.LinkOffset)]
    public nuint Next;

    // Owner of the columns: whoever is the writer of the space, before the node is reachable.
    [FieldOffset(16)]
    public fixed ulong Starts[FanOut];

    [FieldOffset(136)]
    public fixed ulong Ends[FanOut];

    [FieldOffset(256)]
    public fixed ulong Gaps[FanOut];

    [FieldOffset(376)]
    public fixed ulong Children[FanOut];

    /// <summary>The last entry that begins at a page or before it, or −1.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public int LastFrom(ulong page)
    {
        int i = 0;
        while (i < Count && Starts[i] <= page)
        {
            i++;
        }

        return i - 1;
    }

    /// <summary>The first entry that ends behind a page, or <see cref="Count"/>.</summary>
    public int FirstBehind(ulong page)
    {
        int i = 0;
        while (i < Count && Ends[i] <= page)
        {
            i++;
        }

        return i;
    }

    /// <summary>Pages of the largest hole between two areas below.</summary>
    public ulong LargestGap()
    {
        ulong largest = Gaps[0];
        for (int i = 1; i < Count; i++)
        {
            largest = ulong.Max(largest, ulong.Max(Gaps[i], Starts[i] - Ends[i - 1]));
        }

        return largest;
    }

    /// <summary>An entry.</summary>
    public VmaEntry At(int i)
    {
        Invariant.Assert((uint)i < (uint)Count, $"Entry {i} of {Count} is looked at.");
        return new(Starts[i], Ends[i], Gaps[i], (nuint)Children[i]);
    }

    /// <summary>Adds an entry behind the last.</summary>
    public void Add(VmaEntry entry)
    {
        Invariant.Assert(Count < FanOut && entry.Child != 0 && entry.Start < entry.End, $"Entry {Count} of a node is {entry}.");
        Invariant.Assert(
            Count == 0 || Ends[Count - 1] <= entry.Start,
            $"An entry that begins at page {entry.Start:x} comes behind one that ends at {Ends[Count - 1]:x}.");
        Starts[Count] = entry.Start;
        Ends[Count] = entry.End;
        Gaps[Count] = entry.Gap;
        Children[Count] = entry.Child;
        Count++;
    }
}

using NativeMm.Diagnostics;

namespace NativeMm.AddressSpaces;

/// <content>Copying where it changes. Nothing here fails: the nodes were reserved.</content>
internal sealed unsafe partial class VmaTree
{
    /// <summary>Most areas that one edit puts in.</summary>
    public const int InsertedMax = 3;

    // A node is made thicker when it and a neighbour fit together in three quarters of one.
    private const int ThinTogether = VmaNode.FanOut * 3 / 4;

    // At each level: two for the first child, one for the last, four that are put together.
    private const int NodesPerLevel = 7;

    /// <summary>Nodes that so many edits take at most, one after the other. The tree may become a level or two higher by them.</summary>
    public long NodesOfEdits(long edits)
    {
        int levels = (_working == null ? 0 : _working->Height) + (edits < VmaNode.FanOut ? 2 : 4);
        return edits * ((NodesPerLevel * levels) + 1);
    }

    /// <summary>
    /// Takes all areas out that begin in a range, and puts others in their place. Readers see it when it is published. Of the records that
    /// are taken out the caller knows.
    /// </summary>
    /// <param name="from">First page at which an area that goes may begin.</param>
    /// <param name="to">The page behind the last one.</param>
    /// <param name="inserted">Records in order, at most <see cref="InsertedMax"/>, which lie between what stays before and behind.</param>
    public void Edit(ulong from, ulong to, ReadOnlySpan<nuint> inserted)
    {
        Invariant.Assert(from <= to && inserted.Length <= InsertedMax, $"{inserted.Length} areas are put in between pages {from:x} and {to:x}.");
        Span<VmaEntry> made = stackalloc VmaEntry[2];
        int count;
        int height = 0;
        if (_working == null)
        {
            Span<VmaEntry> entries = stackalloc VmaEntry[InsertedMax];
            count = Pack(entries[..Insert(inserted, entries)], 0, made);
        }
        else
        {
            height = _working->Height;
            count = Edit(_working, from, to, inserted, made);
        }

        Invariant.Assert(count is >= 0 and <= 2, $"A tree has {count} nodes on top.");
        _working = count switch
        {
            0 => null,
            1 => WithoutThinTop((VmaNode*)made[0].Child),
            _ => Make(made, height + 1),
        };
    }

    /// <summary>Replaces a node by up to two of its height.</summary>
    private int Edit(VmaNode* node, ulong from, ulong to, ReadOnlySpan<nuint> inserted, Span<VmaEntry> made)
    {
        Span<VmaEntry> entries = stackalloc VmaEntry[VmaNode.FanOut + InsertedMax];
        int count = node->Height == 0 ? EditLeaf(node, from, to, inserted, entries) : EditInner(node, from, to, inserted, entries);
        store.Retire(node);
        return Pack(entries[..count], node->Height, made);
    }

    private static int EditLeaf(VmaNode* node, ulong from, ulong to, ReadOnlySpan<nuint> inserted, Span<VmaEntry> entries)
    {
        Invariant.Assert(node->Height == 0, $"A node of height {node->Height} is edited as a leaf.");
        int place = 0;
        int count = 0;
        while (place < node->Count && node->Starts[place] < from)
        {
            entries[count++] = node->At(place++);
        }

        count += Insert(inserted, entries[count..]);
        while (place < node->Count && node->Starts[place] < to)
        {
            place++;
        }

        while (place < node->Count)
        {
            entries[count++] = node->At(place++);
        }

        return count;
    }

    private int EditInner(VmaNode* node, ulong from, ulong to, ReadOnlySpan<nuint> inserted, Span<VmaEntry> entries)
    {
        Invariant.Assert(
            node->Count > 0 && ((VmaNode*)node->Children[0])->Height == node->Height - 1,
            $"A node of height {node->Height} with {node->Count} entries has a child of another height.");
        int first = int.Max(node->LastFrom(from), 0);
        int last = int.Max(first, to == 0 ? first : node->LastFrom(to - 1));
        Invariant.Assert(first <= last && last < node->Count, $"Entries {first} to {last} of {node->Count} are edited.");
        int count = 0;
        while (count < first)
        {
            entries[count] = node->At(count);
            count++;
        }

        count += Edit((VmaNode*)node->Children[first], from, to, inserted, entries[count..]);
        for (int between = first + 1; between < last; between++)
        {
            RetireAll((VmaNode*)node->Children[between]);
        }

        if (last > first)
        {
            count += Edit((VmaNode*)node->Children[last], from, to, [], entries[count..]);
        }

        int fresh = count;
        for (int place = last + 1; place < node->Count; place++)
        {
            entries[count++] = node->At(place);
        }

        return Thicken(entries, count, int.Max(first - 1, 0), fresh, node->Height - 1);
    }

    /// <summary>Puts neighbours together that are thin, as far as one of them is new.</summary>
    private int Thicken(Span<VmaEntry> entries, int count, int place, int fresh, int height)
    {
        while (place + 1 < count && place < fresh)
        {
            var left = (VmaNode*)entries[place].Child;
            var right = (VmaNode*)entries[place + 1].Child;
            if (left->Count + right->Count > ThinTogether)
            {
                place++;
                continue;
            }

            Invariant.Assert(left->Height == height && right->Height == height, $"Nodes of height {left->Height} and {right->Height} become one of {height}.");
            VmaNode* both = store.TakeNode(height);
            AddAll(both, left);
            AddAll(both, right);
            store.Retire(left);
            store.Retire(right);
            entries[place] = VmaEntry.Of(both);
            entries[(place + 2)..count].CopyTo(entries[(place + 1)..]);
            count--;
            fresh--;
        }

        return count;
    }

    private static void AddAll(VmaNode* node, VmaNode* other)
    {
        Invariant.Assert(
            node->Count + other->Count <= VmaNode.FanOut && node->Height == other->Height,
            $"{node->Count} and {other->Count} entries come into one node, of heights {node->Height} and {other->Height}.");
        for (int i = 0; i < other->Count; i++)
        {
            node->Add(other->At(i));
        }
    }

    private static int Insert(ReadOnlySpan<nuint> inserted, Span<VmaEntry> entries)
    {
        for (int i = 0; i < inserted.Length; i++)
        {
            entries[i] = VmaEntry.Of((Vma*)inserted[i]);
        }

        return inserted.Length;
    }

    private int Pack(ReadOnlySpan<VmaEntry> entries, int height, Span<VmaEntry> made)
    {
        if (entries.Length == 0)
        {
            return 0;
        }

        if (entries.Length <= VmaNode.FanOut)
        {
            made[0] = VmaEntry.Of(Make(entries, height));
            return 1;
        }

        Invariant.Assert(entries.Length <= 2 * VmaNode.FanOut && made.Length >= 2, $"{entries.Length} entries come into two nodes.");
        int half = entries.Length / 2;
        made[0] = VmaEntry.Of(Make(entries[..half], height));
        made[1] = VmaEntry.Of(Make(entries[half..], height));
        return 2;
    }

    private VmaNode* Make(ReadOnlySpan<VmaEntry> entries, int height)
    {
        Invariant.Assert(entries.Length is > 0 and <= VmaNode.FanOut, $"A node is made of {entries.Length} entries.");
        VmaNode* node = store.TakeNode(height);
        foreach (VmaEntry entry in entries)
        {
            node->Add(entry);
        }

        return node;
    }

    private VmaNode* WithoutThinTop(VmaNode* node)
    {
        while (node->Height > 0 && node->Count == 1)
        {
            var below = (VmaNode*)node->Children[0];
            store.Retire(node);
            node = below;
        }

        return node;
    }

    private void RetireAll(VmaNode* node)
    {
        for (int i = 0; node->Height > 0 && i < node->Count; i++)
        {
            RetireAll((VmaNode*)node->Children[i]);
        }

        store.Retire(node);
    }
}

using System.Runtime.CompilerServices;
using NativeMm.Diagnostics;

namespace NativeMm.AddressSpaces;

/// <content>A whole tree from areas in order, as a fork and the end need it.</content>
internal sealed unsafe partial class VmaTree
{
    private const int LevelsMax = 16;

    /// <summary>Nodes that a tree of so many areas takes at most.</summary>
    public static long NodesOf(long areas) => (areas / (VmaNode.FanOut - 1)) + (2 * LevelsMax);

    /// <summary>Takes the whole tree away, to build another. Readers see it when that is published.</summary>
    /// <returns>What was there: its nodes are retired, and can be read until the tree is published.</returns>
    public VmaNode* BeginBuild()
    {
        VmaNode* before = _working;
        if (before != null)
        {
            RetireAll(before);
            _working = null;
        }

        return before;
    }

    /// <summary>Adds an area behind the last.</summary>
    public void Append(ref Levels levels, Vma* area) => Append(ref levels, 0, VmaEntry.Of(area));

    /// <summary>Ends the build.</summary>
    public void EndBuild(ref Levels levels)
    {
        Invariant.Assert(_working == null, "A tree is built where one is.");
        _working = null;
        for (int level = 0; level < LevelsMax && _working == null; level++)
        {
            if (levels[level] != 0 && ((ReadOnlySpan<nuint>)levels)[(level + 1)..].IndexOfAnyExcept((nuint)0) < 0)
            {
                _working = WithoutThinTop((VmaNode*)levels[level]);
            }
            else
            {
                Close(ref levels, level);
            }
        }
    }

    private void Append(ref Levels levels, int level, VmaEntry entry)
    {
        Invariant.Assert(level < LevelsMax && entry.Start < entry.End, $"Pages {entry.Start:x} to {entry.End:x} are put in at level {level}.");
        if (levels[level] == 0)
        {
            levels[level] = (nuint)store.TakeNode(level);
        }

        var node = (VmaNode*)levels[level];
        Invariant.Assert(node->Height == level, $"A node of height {node->Height} is filled at level {level}.");
        node->Add(entry);
        if (node->Count == VmaNode.FanOut)
        {
            Close(ref levels, level);
        }
    }

    private void Close(ref Levels levels, int level)
    {
        var node = (VmaNode*)levels[level];
        if (node != null)
        {
            levels[level] = 0;
            Append(ref levels, level + 1, VmaEntry.Of(node));
        }
    }

    /// <summary>The node of each height that is being filled.</summary>
    [InlineArray(LevelsMax)]
    internal struct Levels
    {
        private nuint _first;
    }
}

namespace NativeMm.Lab.Experiments.Heap;

/// <summary>Walks over a complete binary tree whose node n has the children 2n + 1 and 2n + 2.</summary>
internal static class TreeOrder
{
    /// <summary>Nodes of a tree: ten levels.</summary>
    public const int Nodes = (1 << 10) - 1;

    /// <summary>Each node before its children.</summary>
    public static readonly ushort[] ParentsFirst = [.. Walk(0, parentsFirst: true)];

    /// <summary>Each node after its children.</summary>
    public static readonly ushort[] ChildrenFirst = [.. Walk(0, parentsFirst: false)];

    private static IEnumerable<ushort> Walk(int node, bool parentsFirst)
    {
        if (node >= Nodes)
        {
            return [];
        }

        IEnumerable<ushort> children = Walk((2 * node) + 1, parentsFirst).Concat(Walk((2 * node) + 2, parentsFirst));
        return parentsFirst ? children.Prepend((ushort)node) : children.Append((ushort)node);
    }
}

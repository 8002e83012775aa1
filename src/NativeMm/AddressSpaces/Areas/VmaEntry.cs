namespace NativeMm.AddressSpaces;

/// <summary>One place of a <see cref="VmaNode"/>, taken out.</summary>
/// <param name="Start">First page of the area, or of the first area below.</param>
/// <param name="End">The page behind the area, or behind the last one below.</param>
/// <param name="Gap">Pages of the largest hole between two areas below; 0 for an area.</param>
/// <param name="Child">Address of the record or of the node.</param>
internal readonly record struct VmaEntry(ulong Start, ulong End, ulong Gap, nuint Child)
{
    /// <summary>The place of an area.</summary>
    public static unsafe VmaEntry Of(Vma* area) => new(area->Start, area->End, 0, (nuint)area);

    /// <summary>The place of a node that has entries.</summary>
    public static unsafe VmaEntry Of(VmaNode* node) => new(node->Starts[0], node->Ends[node->Count - 1], node->LargestGap(), (nuint)node);
}

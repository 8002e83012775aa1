namespace NativeMm.AddressSpaces;

/// <summary>What changes in the areas of a range, whose pages stay.</summary>
/// <param name="Protection">The new protection, or null to leave it.</param>
/// <param name="Set">Flags that they get.</param>
/// <param name="Clear">Flags that they lose.</param>
internal readonly record struct AreaChange(Protection? Protection, VmaFlags Set = VmaFlags.None, VmaFlags Clear = VmaFlags.None)
{
    /// <summary>The area afterwards.</summary>
    public AreaSpec Apply(AreaSpec area) =>
        area with { Protection = Protection ?? area.Protection, Flags = (area.Flags & ~Clear) | Set };
}

namespace NativeMm.AddressSpaces;

/// <summary>What became of a change of the layout, and where.</summary>
/// <param name="Outcome">What.</param>
/// <param name="Page">The first page of what was made, or the page that stood in the way.</param>
internal readonly record struct LayoutResult(LayoutOutcome Outcome, ulong Page = 0)
{
    /// <summary>Whether it is done.</summary>
    public bool IsDone => Outcome == LayoutOutcome.Done;
}

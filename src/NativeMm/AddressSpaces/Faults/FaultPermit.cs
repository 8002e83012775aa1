namespace NativeMm.AddressSpaces;

/// <summary>What a fault has in its hands: a permit, perhaps a frame, perhaps the right to one more page in memory.</summary>
internal struct FaultPermit
{
    /// <summary>The cell of the permit, or −1.</summary>
    public int Cell;

    /// <summary>Address of a frame that nobody else knows, or 0.</summary>
    public nuint Frame;

    /// <summary>Whether the frame reads as zero.</summary>
    public bool IsZero;

    /// <summary>The number that a page more in memory will have, plus 1; 0 for none.</summary>
    public uint Charge;

    /// <summary>Why the page could not be brought back, when the last attempt says so.</summary>
    public SwapLoad Failure;

    /// <summary>No permit.</summary>
    public static FaultPermit None => new() { Cell = -1 };
}

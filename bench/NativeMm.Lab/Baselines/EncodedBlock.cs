namespace NativeMm.Lab.Baselines;

/// <summary>Four frames in a row that hold objects of one class. Guarded by the lock of that class.</summary>
/// <param name="number">First frame by four.</param>
internal sealed class EncodedBlock(int number)
{
    /// <summary>First frame by four.</summary>
    public int Number { get; } = number;

    /// <summary>Slots in use.</summary>
    public int Used { get; set; }

    /// <summary>Place of the first free slot, whose head holds the place of the next; −1 when there is none.</summary>
    public int FirstFree { get; set; }

    /// <summary>Its index among the blocks of its class that have room; −1 when it has none.</summary>
    public int Index { get; set; } = -1;
}

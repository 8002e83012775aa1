namespace NativeMm.Lab.Baselines;

/// <summary>
/// The word of a handle's cell. Bits 0 to 15 generation, 16 to 23 class, 24 to 35 place, 36 to 61 block, 63 live. A dead cell keeps its
/// generation; its bits 24 to 61 hold the number of the next dead cell of the class.
/// </summary>
/// <param name="value">The word.</param>
internal readonly struct EncodedCell(ulong value)
{
    /// <summary>Largest number of a next cell.</summary>
    public const uint NextMax = uint.MaxValue;

    private const int ClassShift = 16;
    private const int PlaceShift = 24;
    private const int BlockShift = 36;
    private const int PlaceMask = (1 << (BlockShift - PlaceShift)) - 1;
    private const int BlockMask = (1 << 26) - 1;
    private const ulong LiveBit = 1UL << 63;

    /// <summary>The word.</summary>
    public ulong Value { get; } = value;

    /// <summary>How often the cell was used before, in 16 bits.</summary>
    public ushort Generation => (ushort)Value;

    /// <summary>The class, where the encoding keeps it here.</summary>
    public int Class => (byte)(Value >> ClassShift);

    /// <summary>Where the object's slot begins in its block, in steps of <see cref="EncodedGeometry.Step"/>: it can be found without knowing the class.</summary>
    public int Place => (int)(Value >> PlaceShift) & PlaceMask;

    /// <summary>The object's block.</summary>
    public int Block => (int)(Value >> BlockShift) & BlockMask;

    /// <summary>The next dead cell.</summary>
    public uint Next => (uint)(Value >> PlaceShift);

    /// <summary>Whether it names an object whose handle has this generation.</summary>
    public bool IsLive(ushort generation) => (Value & LiveBit) != 0 && Generation == generation;

    /// <summary>A live cell.</summary>
    public static EncodedCell Live(ushort generation, int cls, int block, int place) =>
        new(LiveBit | ((ulong)block << BlockShift) | ((ulong)place << PlaceShift) | ((ulong)cls << ClassShift) | generation);

    /// <summary>The same object elsewhere.</summary>
    public EncodedCell MovedTo(int block, int place) => Live(Generation, Class, block, place);

    /// <summary>The cell after its object was freed: handles of this generation are stale.</summary>
    public static EncodedCell Dead(ushort generation, uint next) => new(((ulong)next << PlaceShift) | generation);
}

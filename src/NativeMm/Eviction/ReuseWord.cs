namespace NativeMm.Eviction;

/// <summary>
/// The word of an item of a <see cref="ReuseClockPolicy"/>: bits 0 and 1 the <see cref="ReuseState"/>, bit 2 set until the hand came by for the first time,
/// bits 3 to 8 a count of rounds in which it was used, bit 9 set once it was used while it was protected, bits 16 to 31 the epoch of its last known use.
/// </summary>
/// <param name="bits">The word.</param>
internal readonly struct ReuseWord(uint bits)
{
    private const uint StateMask = 3;
    private const uint FreshBit = 1 << 2;
    private const int UsesShift = 3;
    private const uint UsesMax = 63;
    private const uint ProvenBit = 1 << 9;
    private const int StampShift = 16;

    private ReuseWord(ReuseState state, bool fresh, uint uses, ushort stamp, bool proven = false)
        : this((uint)state | (fresh ? FreshBit : 0) | (uses << UsesShift) | (proven ? ProvenBit : 0) | ((uint)stamp << StampShift))
    {
    }

    /// <summary>The word as it is stored.</summary>
    public uint Bits { get; } = bits;

    /// <summary>Where the item is.</summary>
    public ReuseState State => (ReuseState)(Bits & StateMask);

    /// <summary>Whether the hand has not come by since the item came in. A protected item is in the counts from then on.</summary>
    public bool IsFresh => (Bits & FreshBit) != 0;

    /// <summary>Rounds in which a protected item was used and that were not held against its coldness yet, at most 63.</summary>
    public uint Uses => (Bits >> UsesShift) & UsesMax;

    /// <summary>Whether uses are still counted. An item that has them all does not go before the hand came by several times.</summary>
    public bool CanBeUsedMore => Uses < UsesMax;

    /// <summary>Whether it was used while it was protected: its place was worth something once.</summary>
    public bool IsProven => (Bits & ProvenBit) != 0;

    /// <summary>Epoch of the last known use.</summary>
    public ushort Stamp => (ushort)(Bits >> StampShift);

    /// <summary>Whether the item is part of the counts.</summary>
    public bool IsCounted => State == ReuseState.Protected && !IsFresh;

    /// <summary>An item that just came in.</summary>
    public static ReuseWord Inserted(ReuseState state, ushort now) => new(state, fresh: true, uses: 0, now);

    /// <summary>The hand came by for the first time.</summary>
    public ReuseWord Seen() => new(State, fresh: false, Uses, Stamp, IsProven);

    /// <summary>It was used since the hand came by last. What made a fresh item come in proves nothing.</summary>
    public ReuseWord Used(ushort now)
    {
        bool isProtected = State == ReuseState.Protected;
        return new(State, fresh: false, isProtected ? uint.Min(Uses + 1, UsesMax) : 0, now, isProtected && (IsProven || !IsFresh));
    }

    /// <summary>It was used on probation, and deserves a place.</summary>
    public static ReuseWord Promoted(ushort now) => new(ReuseState.Protected, fresh: false, uses: 0, now);

    /// <summary>It was cold when a victim was looked for; earlier uses give it another round.</summary>
    public ReuseWord Spared() => new(State, fresh: false, Uses - 1, Stamp, IsProven);

    /// <summary>It is a victim.</summary>
    public ReuseWord Chosen() => new(ReuseState.Selected, fresh: false, uses: 0, Stamp);

    /// <summary>Its last use lies further back than is counted.</summary>
    public ReuseWord Restamped(ushort stamp) => new(State, IsFresh, Uses, stamp, IsProven);
}

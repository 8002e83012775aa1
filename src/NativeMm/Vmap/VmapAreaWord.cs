namespace NativeMm.Vmap;

/// <summary>
/// The state word of a range's record: bits 0–2 the <see cref="VmapAreaState"/>, bit 3 whether a pool may keep the range with its frames, bit 4 whether its
/// holder is resizing it, the bits from 8 up how many owners the record has had. Pure transitions; two words are equal only if they are of the same time
/// of the same owner.
/// </summary>
internal readonly record struct VmapAreaWord(ulong Value)
{
    private const ulong StateBits = 7;
    private const ulong PoolableBit = 1 << 3;
    private const ulong HeldBit = 1 << 4;
    private const int GenerationShift = 8;

    /// <summary>Where the range stands in its life.</summary>
    public VmapAreaState State => (VmapAreaState)(uint)(Value & StateBits);

    /// <summary>Whether a pool may keep the range: it was allocated, and nobody was told which frames it has.</summary>
    public bool IsPoolable => (Value & PoolableBit) != 0;

    /// <summary>Whether the holder is resizing the range, so that nobody else may end its time.</summary>
    public bool IsHeld => (Value & HeldBit) != 0;

    /// <summary>How many owners the record has had, modulo 2^56.</summary>
    public ulong Generation => Value >> GenerationShift;

    /// <summary>The range moves on, in the hands of the one thread that it belongs to.</summary>
    public VmapAreaWord To(VmapAreaState state) => new((Value & ~(StateBits | HeldBit)) | (uint)state);

    /// <summary>The time of the next owner.</summary>
    /// <param name="poolable">Whether a pool may keep the range after it.</param>
    public VmapAreaWord ToNextOwner(bool poolable) =>
        new((((Value >> GenerationShift) + 1) << GenerationShift) | (poolable ? PoolableBit : 0) | (uint)VmapAreaState.Busy);

    /// <summary>The holder has resized the range.</summary>
    /// <param name="poolable">Whether a pool may keep it still.</param>
    public VmapAreaWord LetGo(bool poolable) => new((Value & ~(HeldBit | PoolableBit)) | (poolable ? PoolableBit : 0));

    /// <summary>A step that only the owner of a busy range takes, while he takes no other.</summary>
    /// <param name="step">Which.</param>
    /// <param name="next">The word after it.</param>
    public bool TryTake(VmapAreaStep step, out VmapAreaWord next)
    {
        next = step switch
        {
            VmapAreaStep.End => To(VmapAreaState.None),
            VmapAreaStep.Hold => new(Value | HeldBit),
            _ => new(Value & ~PoolableBit),
        };
        return (Value & (StateBits | HeldBit)) == (uint)VmapAreaState.Busy;
    }
}

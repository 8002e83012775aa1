namespace NativeMm.Soak.Shadow;

/// <summary>Bytes of one owner, with his pattern in them.</summary>
/// <param name="Address">First byte.</param>
/// <param name="Bytes">Length.</param>
/// <param name="Stamp">The owner's pattern.</param>
internal readonly record struct Piece(nuint Address, nuint Bytes, ulong Stamp)
{
    /// <summary>Takes possession: nobody else may own one of the bytes.</summary>
    public static unsafe Piece Claim(Owner owner, void* address, nuint bytes)
    {
        owner.Shadow.Claim((nuint)address, bytes, owner.Number, owner.ToString());
        ulong stamp = owner.NextStamp();
        Pattern.Fill((byte*)address, bytes, stamp);
        return new Piece((nuint)address, bytes, stamp);
    }

    /// <summary>Looks whether the bytes are as their owner left them.</summary>
    public unsafe void Check(Owner owner, bool whole) => Pattern.Check((byte*)Address, Bytes, Stamp, whole, owner.ToString());

    /// <summary>The last look, before the bytes go back.</summary>
    public void Yield(Owner owner)
    {
        Check(owner, whole: true);
        owner.Shadow.Yield(Address, Bytes, owner.Number, owner.ToString());
    }
}

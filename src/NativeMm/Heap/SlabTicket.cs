namespace NativeMm.Heap;

/// <summary>
/// A slab that was found under its depot's lock and is used under a later one. A number alone says nothing then: the granule may be part of a slab
/// of another class or heap by now. The life tells them apart; it grows with each slab that ends at the granule.
/// </summary>
/// <param name="Granule">First granule of the slab.</param>
/// <param name="Life">The slab's <see cref="Slab.Life"/> when it was found.</param>
internal readonly record struct SlabTicket(uint Granule, uint Life)
{
    /// <summary>No slab.</summary>
    public static SlabTicket None => new(Slab.None, 0);

    /// <summary>Whether it stands for no slab.</summary>
    public bool IsNone => Granule == Slab.None;
}

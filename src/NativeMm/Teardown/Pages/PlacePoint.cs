namespace NativeMm.Teardown;

/// <summary>
/// A point in work that is a row of places, each of so many units: the place in the upper bits, the unit in the lower 36. Points are compared as numbers, so a piece
/// from one to another may span places.
/// </summary>
/// <param name="Value">The number.</param>
internal readonly record struct PlacePoint(ulong Value)
{
    private const int UnitBits = 36;

    /// <summary>Most units of a place.</summary>
    public const ulong UnitsMax = (1UL << UnitBits) - 1;

    /// <summary>A unit of a place.</summary>
    public PlacePoint(uint place, ulong unit)
        : this(((ulong)place << UnitBits) | unit)
    {
    }

    /// <summary>The place.</summary>
    public uint Place => (uint)(Value >> UnitBits);

    /// <summary>The unit in it.</summary>
    public ulong Unit => Value & UnitsMax;
}

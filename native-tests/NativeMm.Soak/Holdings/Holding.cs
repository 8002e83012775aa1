using NativeMm.Soak.Shadow;

namespace NativeMm.Soak.Holdings;

/// <summary>Something of the library that a slot has. Used under the slot's lock, by whichever thread comes by.</summary>
internal abstract class Holding
{
    /// <summary>Looks whether all bytes are as they were left. A holding may change hands between two looks.</summary>
    /// <param name="owner">Who has it.</param>
    /// <param name="whole">All bytes, or only the ends.</param>
    /// <param name="chance">For holdings that do something each time.</param>
    public abstract void Check(Owner owner, bool whole, Chance chance);

    /// <summary>Looks a last time and gives everything back.</summary>
    public abstract void End(Owner owner, Chance chance);
}

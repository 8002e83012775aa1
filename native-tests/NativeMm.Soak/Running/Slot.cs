using NativeMm.Soak.Holdings;
using NativeMm.Soak.Shadow;

namespace NativeMm.Soak.Running;

/// <summary>A place for one holding. Whoever looks at it, or changes it, has its lock; what one thread made another may end.</summary>
internal sealed class Slot(Owner owner)
{
    /// <summary>The lock.</summary>
    public Lock Lock { get; } = new();

    /// <summary>Who owns what is here.</summary>
    public Owner Owner => owner;

    /// <summary>What is here.</summary>
    public Holding? Holding { get; set; }
}

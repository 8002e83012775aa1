using NativeMm.Soak.Shadow;

namespace NativeMm.Soak.Fuzzing;

/// <summary>Something that is given what nobody should give it. One thread at a time.</summary>
internal interface IFuzzTarget : IDisposable
{
    /// <summary>What it is called on the command line.</summary>
    string Name { get; }

    /// <summary>Makes one case and looks at what becomes of it.</summary>
    /// <param name="chance">Everything that is chosen comes from here; the same numbers make the same case.</param>
    /// <exception cref="FindingException">The outcome is not one of those that are allowed.</exception>
    void Run(Chance chance);
}

using NativeMm.Explorer.Machine;

namespace NativeMm.Explorer.Running;

/// <summary>
/// A structure of the library and what a few threads do with it. A case is prepared anew for each execution, and must do the same each time: nothing in
/// it may depend on time, chance, or what another execution left behind.
/// </summary>
internal abstract class Case
{
    /// <summary>The name to ask for it.</summary>
    public string Name => GetType().Name;

    /// <summary>What holds if no execution fails.</summary>
    public abstract string Claim { get; }

    /// <summary>How far the search goes in CI.</summary>
    public virtual Bounds Bounds => new();

    /// <summary>Whether races on plain memory of the library are findings too.</summary>
    public virtual bool WatchesPlainMemory => true;

    /// <summary>Whether executions are left out that others stand for. No thread of the case may look at anything but words and cells on its way.</summary>
    public virtual bool IsReduced => false;

    /// <summary>Copies of the library, weakened at a label, that this case must tell from the library itself.</summary>
    public virtual IReadOnlyList<BadCopy> BadCopies => [];

    /// <summary>The step that the case is to do wrongly, or empty.</summary>
    public string WrongStep { get; set; } = "";

    /// <summary>Makes the structure and says who does what.</summary>
    public abstract void Prepare(Plan plan);
}

using NativeMm.Primitives;

namespace NativeMm.AddressSpaces;

/// <summary>Reclaim in the background, asked for by a fault that found few charges left.</summary>
internal sealed class ReclaimJob(Residency residency) : BackgroundJob
{
    /// <inheritdoc/>
    protected override void Run() => residency.RunInBackground();
}

using NativeMm.Primitives;
using NativeMm.Teardown;

namespace NativeMm.Runtime;

/// <content>What stands above a runtime and has frames of it.</content>
public sealed partial class MemoryRuntime
{
    private readonly Registrations<IRuntimeTenant> _tenants = new();

    /// <summary>Takes somebody in, until he leaves or the runtime ends.</summary>
    /// <exception cref="ObjectDisposedException">The runtime is disposed.</exception>
    internal void Enter(IRuntimeTenant tenant)
    {
        using EndGate.Visit inside = _end.Visiting(this);
        _ = _tenants.Add(tenant);
    }

    /// <summary>Lets somebody go who gave everything back.</summary>
    internal void Leave(IRuntimeTenant tenant) => _tenants.Remove(tenant);

    private ulong CountTenants()
    {
        ulong bytes = 0;
        foreach (IRuntimeTenant tenant in _tenants.View)
        {
            bytes += tenant.FrameBytes;
        }

        return bytes;
    }

    private void TrimTenants(bool idle)
    {
        foreach (IRuntimeTenant tenant in _tenants.View)
        {
            if (idle)
            {
                tenant.TrimIdle();
            }
            else
            {
                tenant.Trim();
            }
        }
    }

    private void EndTenants(ReleaseWatch? watch)
    {
        foreach (IRuntimeTenant tenant in _tenants.View)
        {
            watch?.ThrowIfCancelled();
            tenant.End();
        }
    }
}

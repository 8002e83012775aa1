using NativeMm.Diagnostics;
using NativeMm.Primitives;

namespace NativeMm.AddressSpaces;

/// <content>Checking.</content>
public sealed unsafe partial class AddressSpace
{
    /// <summary>Checks areas, tables, frames and the counters of faults against each other. Call it at rest. Thread-safe.</summary>
    /// <exception cref="InvariantViolationException">Something does not add up.</exception>
    /// <exception cref="ObjectDisposedException">The space is disposed.</exception>
    public void Validate() => Validate(beside: null);

    /// <summary>The same, and something else while no page leaves.</summary>
    /// <param name="beside">Checks what must not change meanwhile, such as where pages go; null for nothing.</param>
    internal void Validate(Action? beside)
    {
        _layout.Validate();
        Residency? residency = _tables.Residency;
        residency?.Pause();
        try
        {
            using SleepLock.Scope still = _faults.PauseCollapse();
            _layout.EnterRead();
            try
            {
                _tables.Validate();
                ValidateRights();
                residency?.Validate(_tables.Count().Resident);
            }
            finally
            {
                _layout.ExitRead();
            }

            beside?.Invoke();
        }
        finally
        {
            residency?.Resume();
        }
    }

    /// <summary>No page hits for what its area forbids. The caller has the space's lock, so that no area changes.</summary>
    private void ValidateRights()
    {
        for (Vma* area = _layout.Tree.FirstBehind(0); area != null; area = _layout.Tree.FirstBehind(area->End))
        {
            _tables.ValidateRights(area->Range, area->Protection);
        }
    }
}

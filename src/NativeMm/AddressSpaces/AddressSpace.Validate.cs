using NativeMm.Diagnostics;

namespace NativeMm.AddressSpaces;

/// <content>Checking.</content>
public sealed unsafe partial class AddressSpace
{
    /// <summary>Checks areas, tables, frames and the counters of faults against each other. Call it at rest. Thread-safe.</summary>
    /// <exception cref="InvariantViolationException">Something does not add up.</exception>
    /// <exception cref="ObjectDisposedException">The space is disposed.</exception>
    public void Validate()
    {
        _layout.Validate();
        _layout.EnterRead();
        try
        {
            _tables.Validate();
            PageTableCounts counts = _tables.Count();
            _tables.Residency?.Validate(counts.Resident);
        }
        finally
        {
            _layout.ExitRead();
        }
    }
}

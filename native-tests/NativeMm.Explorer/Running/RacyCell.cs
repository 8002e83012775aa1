using System.Runtime.CompilerServices;
using NativeMm.Explorer.Machine;

namespace NativeMm.Explorer.Running;

/// <summary>
/// Data that a structure lets its readers look at while somebody writes, such as the words under a sequence count: plain accesses of the product,
/// whose reads may be stale or from the middle of a write. The structure must tell its readers when they must not believe what they saw.
/// </summary>
internal sealed unsafe class RacyCell
{
    private ulong _value;

    /// <summary>Reads without any order.</summary>
    public ulong Read() => Execution.IsActive ? Execution.Load((nuint)Unsafe.AsPointer(ref _value), sizeof(ulong), acquire: false) : _value;

    /// <summary>Writes without any order.</summary>
    public void Write(ulong value)
    {
        if (Execution.IsActive)
        {
            Execution.Store((nuint)Unsafe.AsPointer(ref _value), sizeof(ulong), value, null, release: false);
        }
        else
        {
            _value = value;
        }
    }
}

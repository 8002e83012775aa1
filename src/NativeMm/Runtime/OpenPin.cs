using System.Diagnostics;
using System.Globalization;
using NativeMm.AddressSpaces;
using NativeMm.Diagnostics;
using NativeMm.Heap.Checked;

namespace NativeMm.Runtime;

/// <summary>A pin of the checked mode that was not disposed yet.</summary>
internal sealed class OpenPin(AddressSpace space, long address, long length, PageAccess access, StackTrace? stack, LeakPolicy policy)
{
    /// <summary>Its space.</summary>
    public AddressSpace Space { get; } = space;

    /// <summary>What is said of it when the process ends.</summary>
    public LeakPolicy Policy { get; } = policy;

    /// <summary>The pin as a line, and where it was made as more of them.</summary>
    public override string ToString() => string.Create(
        CultureInfo.InvariantCulture,
        $"  {CountText.Of(length, "byte")} at 0x{address:x} for {access}, {(stack is null ? "stack not sampled" : $"pinned{Environment.NewLine}{AllocationStack.Text(stack)}")}");
}

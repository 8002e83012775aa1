using System.Diagnostics.CodeAnalysis;
using NativeMm.Platform;

namespace NativeMm.AddressSpaces;

/// <summary>Says why a change of the layout was refused.</summary>
internal static class LayoutFault
{
    /// <summary>Throws unless the change was made.</summary>
    public static void ThrowUnlessDone(string verb, VpnRange range, LayoutResult result, AddressSpaceOptions options)
    {
        if (!result.IsDone)
        {
            Throw(verb, range, result, options);
        }
    }

    /// <summary>What a call of a space that has ended throws. The name is that of the memory, where the space is that of a paged memory.</summary>
    public static ObjectDisposedException Gone(AddressSpaceOptions options) =>
        new(nameof(AddressSpace), $"The address space '{options.Name}' is disposed, or its runtime.");

    /// <summary>Throws what the outcome stands for. Nothing was changed.</summary>
    [DoesNotReturn]
    public static void Throw(string verb, VpnRange range, LayoutResult result, AddressSpaceOptions options)
    {
        ulong bytes = range.Pages << AddressSpace.PageShift;
        ulong address = result.Page << AddressSpace.PageShift;
        throw result.Outcome switch
        {
            LayoutOutcome.Ended => Gone(options),
            LayoutOutcome.NoAddresses => new OutOfMemoryException($"{verb}: space '{options.Name}' has no hole that is large enough; the range is of {bytes} bytes."),
            LayoutOutcome.Occupied => Refused($"something is mapped at 0x{address:x}, in the range {range} that must be free"),
            LayoutOutcome.NotMapped => Refused($"nothing is mapped at 0x{address:x}, in the range {range}"),
            LayoutOutcome.SeveralAreas => Refused($"the range {range} lies in more than one area; the first ends at 0x{address:x}"),
            LayoutOutcome.NoRoom => Refused($"the range {range} cannot grow: something is mapped, or nothing can be, at 0x{address:x}; RemapFlags.MayMove would let it move"),
            LayoutOutcome.TooManyAreas => Refused($"there would be more than AddressSpaceOptions.AreasMax = {options.AreasMax} areas"),
            LayoutOutcome.NoMetadata => new OutOfMemoryException($"{verb}: the system refuses memory for the areas of space '{options.Name}'; the range was {range}.{ResourceLimits.ExplainAddresses()}"),
            _ => new OutOfMemoryException($"{verb}: there are no frames for the page tables of space '{options.Name}'; the range was {range}.{ResourceLimits.ExplainAddresses()}"),
        };

        InvalidOperationException Refused(string why) => new($"{verb}: {why}. Nothing was changed.");
    }
}

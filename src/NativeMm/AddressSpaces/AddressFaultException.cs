using System.Diagnostics.CodeAnalysis;

namespace NativeMm.AddressSpaces;

/// <summary>An access to an <see cref="AddressSpace"/> that no area allows: the counterpart of a segmentation fault.</summary>
[SuppressMessage("Design", "CA1032:Implement standard exception constructors", Justification = "An address and an access are what it is about.")]
public sealed class AddressFaultException : Exception
{
    /// <summary>Makes it.</summary>
    internal AddressFaultException(long address, PageAccess access, Protection? protection)
        : base(Describe(address, access, protection))
    {
        Address = address;
        Access = access;
        Protection = protection;
    }

    /// <summary>The address of the space that was used.</summary>
    public long Address { get; }

    /// <summary>What the access wanted to do.</summary>
    public PageAccess Access { get; }

    /// <summary>What the area at the address allows, or null when there is no area.</summary>
    public Protection? Protection { get; }

    private static string Describe(long address, PageAccess access, Protection? protection) => protection is { } allowed
        ? $"Address 0x{address:x} cannot be {Verb(access)}: its area allows {allowed}."
        : $"Address 0x{address:x} cannot be {Verb(access)}: nothing is mapped there.";

    private static string Verb(PageAccess access) => access == PageAccess.Write ? "written" : "read";
}

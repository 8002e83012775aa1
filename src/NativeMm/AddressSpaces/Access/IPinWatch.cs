namespace NativeMm.AddressSpaces;

/// <summary>Somebody who keeps account of pins, so that one that is never released can be named. Thread-safe.</summary>
internal interface IPinWatch
{
    /// <summary>A pin was made.</summary>
    /// <param name="space">Its space.</param>
    /// <param name="address">Address of its first byte.</param>
    /// <param name="length">Its length in bytes.</param>
    /// <param name="access">What it is for.</param>
    /// <returns>What <see cref="Ended"/> gets.</returns>
    object Began(AddressSpace space, long address, long length, PageAccess access);

    /// <summary>It was disposed. Never fails, and allocates no managed memory.</summary>
    void Ended(object pin);

    /// <summary>The pins of a space that are open, a line for each, as the end of a message; empty when there is none.</summary>
    string Describe(AddressSpace space);
}

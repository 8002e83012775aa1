namespace NativeMm.Platform;

/// <summary>A run of addresses.</summary>
/// <param name="Address">First byte.</param>
/// <param name="Bytes">Length in bytes.</param>
internal readonly record struct AddressRange(nuint Address, nuint Bytes);

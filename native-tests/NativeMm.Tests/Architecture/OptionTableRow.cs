namespace NativeMm.Tests.Architecture;

/// <summary>One row of a table of options.</summary>
/// <param name="Name">The option, without its code marks.</param>
/// <param name="Unit">The unit.</param>
/// <param name="Default">The default.</param>
/// <param name="Range">The allowed values.</param>
/// <param name="Effect">What it does.</param>
public sealed record OptionTableRow(string Name, string Unit, string Default, string Range, string Effect);

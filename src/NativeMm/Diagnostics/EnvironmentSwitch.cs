namespace NativeMm.Diagnostics;

/// <summary>Environment variables that are on or off.</summary>
internal static class EnvironmentSwitch
{
    /// <summary>Reads a value: 1 or true is on; 0, false, empty or none is off; anything else is null.</summary>
    public static bool? Read(string? value) => value?.Trim().ToUpperInvariant() switch
    {
        null or "" or "0" or "FALSE" => false,
        "1" or "TRUE" => true,
        _ => null,
    };

    /// <summary>The same of a variable, of which any other value is a mistake.</summary>
    /// <exception cref="FormatException">The value is another; the message names it and what is allowed.</exception>
    public static bool Parse(string name, string? value) => Read(value) ?? throw new FormatException($"{name} is '{value}'; it must be 1, true, 0 or false.");
}

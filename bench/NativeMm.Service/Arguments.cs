using System.Globalization;

namespace NativeMm.Service;

/// <summary>Arguments of the form <c>--name value</c> behind a verb.</summary>
internal sealed class Arguments
{
    private readonly Dictionary<string, string> _values = [];

    /// <summary>Reads them.</summary>
    /// <exception cref="ArgumentException">They are not of the form.</exception>
    public Arguments(string[] arguments)
    {
        for (int i = 1; i < arguments.Length; i += 2)
        {
            if (!arguments[i].StartsWith("--", StringComparison.Ordinal) || i + 1 == arguments.Length)
            {
                throw new ArgumentException($"'{arguments[i]}' is not of the form --name value.");
            }

            _values[arguments[i][2..]] = arguments[i + 1];
        }
    }

    /// <summary>A text.</summary>
    public string Text(string name, string otherwise) => _values.GetValueOrDefault(name, otherwise);

    /// <summary>A whole number.</summary>
    /// <exception cref="ArgumentException">It is none, or out of its range.</exception>
    public long Number(string name, long otherwise, long least, long most) =>
        !_values.TryGetValue(name, out string? text) ? otherwise
        : long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out long value) && value >= least && value <= most ? value
        : throw new ArgumentException($"--{name} is '{text}'; it must be a whole number from {least} to {most}.");

    /// <summary>A number.</summary>
    /// <exception cref="ArgumentException">It is none, or out of its range.</exception>
    public double Real(string name, double otherwise, double least, double most) =>
        !_values.TryGetValue(name, out string? text) ? otherwise
        : double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out double value) && value >= least && value <= most ? value
        : throw new ArgumentException(string.Create(CultureInfo.InvariantCulture, $"--{name} is '{text}'; it must be a number from {least} to {most}."));
}

using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Options;

namespace NativeMm.Extensions;

/// <summary>Reads the options from the configuration, before the code has its say, and looks at the result.</summary>
/// <param name="configuration">The configuration of the host; null if there is none.</param>
internal sealed class NativeMmConfiguration(IConfiguration? configuration) : IConfigureOptions<NativeMmOptions>, IValidateOptions<NativeMmOptions>
{
    private static string Known => string.Join(", ", NativeMmOptionTable.Rows.Select(one => one.Key));

    /// <inheritdoc/>
    /// <exception cref="OptionsValidationException">A value means nothing, or a key is unknown; the message names key, value and range.</exception>
    public void Configure(NativeMmOptions options)
    {
        if (configuration is null)
        {
            return;
        }

        IConfigurationSection section = configuration.GetSection(NativeMmOptions.SectionName);
        (string Key, string? Value)[] leaves = [.. Leaves(section, "")];
        List<string> complaints = [.. leaves.Select(leaf => Read(options, leaf.Key, leaf.Value)).OfType<string>()];
        if (!string.IsNullOrEmpty(section.Value))
        {
            complaints.Insert(0, $"{NativeMmOptions.SectionName} is '{section.Value}'; it must be a section of options: {Known}.");
        }

        if (complaints.Count != 0)
        {
            // This ends here, before the code has its say and ranges are looked at: whoever mends these hears of the others now, too.
            complaints.AddRange(leaves.Select(leaf => OutOfRange(options, leaf.Key, leaf.Value)).OfType<string>());
            throw new OptionsValidationException(Options.DefaultName, typeof(NativeMmOptions), [.. complaints.Distinct()]);
        }
    }

    /// <inheritdoc/>
    public ValidateOptionsResult Validate(string? name, NativeMmOptions options)
    {
        (string Name, object? Part)[] parts =
        [
            (nameof(options.KestrelPool), options.KestrelPool), (nameof(options.DistributedCache), options.DistributedCache), (nameof(options.OutputCache), options.OutputCache),
        ];
        if (parts.FirstOrDefault(one => one.Part is null).Name is { } missing)
        {
            return ValidateOptionsResult.Fail($"{NativeMmOptions.SectionName}:{missing} is null.");
        }

        List<string> complaints = [.. NativeMmOptionTable.Rows.Where(row => !row.IsValid(options)).Select(row => row.Complaint(row.Read(options)))];
        if (complaints.Count == 0)
        {
            try
            {
                // What the code changed beyond these options, and what the environment says.
                options.ToRuntimeOptions().Validate();
                options.ToPoolOptions().Validate();
            }
            catch (Exception failure) when (failure is ArgumentException or FormatException)
            {
                complaints.Add($"{NativeMmOptions.SectionName}: {failure.Message}");
            }
        }

        return complaints.Count == 0 ? ValidateOptionsResult.Success : ValidateOptionsResult.Fail(complaints);
    }

    private static NativeMmOption? RowOf(string key) => NativeMmOptionTable.Rows.FirstOrDefault(one => one.Key.Equals(key, StringComparison.OrdinalIgnoreCase));

    private static string? OutOfRange(NativeMmOptions options, string key, string? value) =>
        !string.IsNullOrEmpty(value) && RowOf(key) is { } row && !row.IsValid(options) ? row.Complaint(value) : null;

    private static string? Read(NativeMmOptions options, string key, string? value)
    {
        NativeMmOption? row = RowOf(key);
        if (row is null)
        {
            return $"{NativeMmOptions.SectionName}:{key} is no option; there are {Known}.";
        }

        // An empty value unsets an option, as it does elsewhere in the configuration.
        return string.IsNullOrEmpty(value) || row.TrySet(options, value) ? null : row.Complaint(value);
    }

    private static IEnumerable<(string Key, string? Value)> Leaves(IConfigurationSection section, string prefix)
    {
        foreach (IConfigurationSection child in section.GetChildren())
        {
            string key = prefix + child.Key;
            if (child.Value is not null)
            {
                yield return (key, child.Value);
            }

            foreach ((string Key, string? Value) leaf in Leaves(child, key + ":"))
            {
                yield return leaf;
            }
        }
    }
}

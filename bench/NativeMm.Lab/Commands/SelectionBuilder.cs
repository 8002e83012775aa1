using NativeMm.Lab.Experiments;

namespace NativeMm.Lab.Commands;

/// <summary>Turns what the user typed into a checked selection for each experiment.</summary>
internal sealed class SelectionBuilder
{
    private readonly IReadOnlyList<IExperiment> _experiments;
    private readonly string[]? _variants;
    private readonly IReadOnlyList<int>? _threads;
    private readonly Dictionary<string, List<string>> _settings = [];

    /// <summary>Checks names against the experiments; every name must mean something to at least one of them.</summary>
    /// <param name="experiments">The experiments to run.</param>
    /// <param name="variants">Names of variants, or null for all.</param>
    /// <param name="threads">Thread counts, or null.</param>
    /// <param name="settings">Texts of the form <c>key=value</c>.</param>
    /// <exception cref="LabUsageException">A name is unknown.</exception>
    public SelectionBuilder(
        IReadOnlyList<IExperiment> experiments,
        string[]? variants,
        IReadOnlyList<int>? threads,
        IEnumerable<string> settings)
    {
        _experiments = experiments;
        _variants = variants;
        _threads = threads;
        CheckVariants();
        foreach (string setting in settings)
        {
            AddSetting(setting);
        }
    }

    /// <summary>All cases of all experiments.</summary>
    /// <exception cref="LabUsageException">A value is bad, or nothing is left to measure.</exception>
    public IReadOnlyList<Case> Cases()
    {
        Case[] cases = [.. _experiments.SelectMany(e => e.Plan(SelectionFor(e)))];
        return cases.Length > 0 ? cases : throw new LabUsageException("Nothing is left to measure: no variant can do what was asked for.");
    }

    private Selection SelectionFor(IExperiment experiment)
    {
        Variant[] variants = [.. experiment.Variants.Where(v => _variants is null || _variants.Contains(v.Name))];
        var values = new Dictionary<string, IReadOnlyList<string>>();
        var set = new HashSet<string>();
        foreach (ParameterDefinition parameter in experiment.Parameters)
        {
            bool isSet = _settings.TryGetValue(parameter.Name, out List<string>? given);
            values[parameter.Name] = isSet ? [.. given!.Select(parameter.Normalize).Distinct()] : parameter.Defaults;
            if (isSet)
            {
                set.Add(parameter.Name);
            }
        }

        return new Selection(variants, _threads, values, set);
    }

    private void CheckVariants()
    {
        foreach (string name in _variants ?? [])
        {
            if (!_experiments.Any(e => e.Variants.Any(v => v.Name == name)))
            {
                IEnumerable<string> known = _experiments.SelectMany(e => e.Variants).Select(v => v.Name).Distinct();
                throw new LabUsageException($"Unknown variant '{name}': there are {string.Join(", ", known)}.");
            }
        }
    }

    private void AddSetting(string setting)
    {
        int equals = setting.IndexOf('=');
        if (equals <= 0 || equals == setting.Length - 1)
        {
            throw new LabUsageException($"Bad setting '{setting}': expected key=value.");
        }

        string key = setting[..equals];
        string value = setting[(equals + 1)..];
        if (!_experiments.Any(e => e.Parameters.Any(p => p.Name == key)))
        {
            string[] known = [.. _experiments.SelectMany(e => e.Parameters).Select(p => p.Name).Distinct()];
            throw new LabUsageException(known.Length == 0
                ? $"Unknown key '{key}': there is nothing to set."
                : $"Unknown key '{key}': there are {string.Join(", ", known)}.");
        }

        if (!_settings.TryGetValue(key, out List<string>? values))
        {
            _settings.Add(key, values = []);
        }

        // A path may contain a comma; a list of values is meant only where no such file exists.
        values.AddRange(File.Exists(value) ? [value] : LabOptions.SplitList(value, $"--set {key}"));
    }
}

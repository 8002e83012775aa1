using System.Globalization;

namespace NativeMm.Lab.Experiments.Vmalloc;

/// <summary>The cases that a selection stands for.</summary>
internal sealed class VmallocPlan
{
    private const int DrainThreads = 2;

    private readonly Selection _selection;
    private readonly IReadOnlyList<string> _tests;
    private readonly IReadOnlyList<int> _threads;

    /// <summary>Checks that everything that was set means something.</summary>
    /// <exception cref="LabUsageException">It does not.</exception>
    public VmallocPlan(Selection selection)
    {
        _selection = selection;
        _tests = selection.Values["test"];
        _threads = selection.Threads ?? [1, 2];
        if (_threads.Contains(0))
        {
            throw new LabUsageException("The vmalloc experiment needs at least 1 thread.");
        }

        foreach (string parameter in selection.Explicit)
        {
            if (!_tests.Any(t => VmallocParameters.Means(parameter, t)))
            {
                throw new LabUsageException($"--set {parameter} has no meaning for test {string.Join(", ", _tests)}.");
            }
        }

        if (_tests.All(t => t == VmallocTest.Drain) && !_threads.Contains(DrainThreads))
        {
            throw new LabUsageException("Test drain has 2 threads: one that frees and one that has nothing to do with it.");
        }

        if (_tests.All(t => t == VmallocTest.Drain) && !selection.Values["mapped"].Any(m => selection.Values["areas"].Any(a => DrainMapping.Fits(m, a))))
        {
            throw new LabUsageException(string.Create(CultureInfo.InvariantCulture, $"Test drain maps up to {DrainMapping.AreasMax} areas really."));
        }

        if (_tests.All(t => t == VmallocTest.MapRam) && !selection.Values["pages"].Any(FitsMapRam))
        {
            throw new LabUsageException(string.Create(CultureInfo.InvariantCulture, $"Test vm_map_ram has 1 to {VmallocTest.MapRamPagesMax} pages."));
        }
    }

    /// <summary>All cases.</summary>
    public IEnumerable<Case> Cases() => _tests.SelectMany(test => test switch
    {
        VmallocTest.Drain => Drain(),
        VmallocTest.Flush => Flush(),
        VmallocTest.Storm => Storm(),
        _ => Kernel(test),
    }).Distinct();

    private IEnumerable<Variant> VariantsOf(string test) => _selection.Variants.Where(v => VmallocVariants.CanRun(v.Name, test));

    private IEnumerable<Case> Kernel(string test) =>
        from pages in _selection.Values["pages"].Where(p => test != VmallocTest.MapRam || FitsMapRam(p))
        from threads in _threads
        from variant in VariantsOf(test)
        select VmallocExperiment.TestCase(variant, threads, test, pages);

    // Policies other than the default are compared at the largest number of areas, and a few of them where these are mapped, unless somebody asks for
    // more. The unsorted list has no policy but its own.
    private IEnumerable<Case> Drain()
    {
        if (!_threads.Contains(DrainThreads))
        {
            return [];
        }

        return from mapped in _selection.Values["mapped"]
               from count in _selection.Values["areas"].Where(a => DrainMapping.Fits(mapped, a))
               from layout in _selection.Values["layout"]
               from policy in _selection.Values["policy"].Where(p => IsCompared(p, count, mapped))
               from variant in VariantsOf(VmallocTest.Drain)
               select VmallocExperiment.DrainCase(variant, count, layout, PolicyOf(variant, policy), mapped);
    }

    private bool IsCompared(string policy, string areas, string mapped) =>
        _selection.Explicit.Contains("policy")
        || policy == PurgePolicyText.Default
        || (mapped == DrainMapping.Yes
            ? PurgePolicyText.MappedSweep.Contains(policy)
            : areas == _selection.Values["areas"].MaxBy(a => int.Parse(a, CultureInfo.InvariantCulture)));

    private IEnumerable<Case> Flush() =>
        from lazyMax in _selection.Values["lazy_max"]
        from threads in _threads
        from variant in VariantsOf(VmallocTest.Flush)
        select VmallocExperiment.FlushCase(variant, threads, lazyMax);

    private IEnumerable<Case> Storm()
    {
        IReadOnlyList<string> policies = _selection.Explicit.Contains("policy") ? _selection.Values["policy"] : [PurgePolicyText.Default];
        return from policy in policies
               from threads in _threads
               from variant in VariantsOf(VmallocTest.Storm)
               select VmallocExperiment.StormCase(variant, threads, PolicyOf(variant, policy));
    }

    private static string PolicyOf(Variant variant, string policy) => variant == VmallocVariants.Unsorted ? PurgePolicyText.Default : policy;

    private static bool FitsMapRam(string pages) => int.Parse(pages, CultureInfo.InvariantCulture) <= VmallocTest.MapRamPagesMax;
}

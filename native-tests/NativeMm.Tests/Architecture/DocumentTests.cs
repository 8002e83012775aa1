using System.Text.RegularExpressions;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using NativeMm.Frames;
using NativeMm.Lab.Experiments;
using NativeMm.Runtime;
using NativeMm.Tests.Support;
using Xunit;

namespace NativeMm.Tests.Architecture;

/// <summary>What the documents show compiles, what they point to is there, and their figures are those of the source.</summary>
public sealed partial class DocumentTests
{
    // What every new console project has.
    private const string ImplicitUsings =
        "global using System; global using System.Collections.Generic; global using System.IO; global using System.Linq; " +
        "global using System.Net.Http; global using System.Threading; global using System.Threading.Tasks;";

    public static TheoryData<string> Documents => [.. AllDocuments];

    private static IEnumerable<string> AllDocuments => Directory.EnumerateFiles(RepositoryRoot.Combine("docs"), "*.md", SearchOption.AllDirectories)
        .Concat(Directory.EnumerateFiles(RepositoryRoot.Path, "*.md")).Select(path => Path.GetRelativePath(RepositoryRoot.Path, path)).Order();

    [Fact]
    public void The_program_of_the_readme_compiles_as_pasted() => Assert.Equal(1, CompileAll("README.md", ImplicitUsings));

    [Fact]
    public void The_programs_about_buffers_compile_as_pasted() => Assert.InRange(CompileAll(Path.Combine("docs", "buffers.md"), ImplicitUsings), 7, 100);

    [Fact]
    public void The_programs_about_caching_compile_as_pasted() => Assert.Equal(2, CompileAll(Path.Combine("docs", "caching.md"), ImplicitUsings));

    [Theory]
    [InlineData("checked-mode.md")]
    [InlineData("tuning.md")]
    public void The_program_about_options_compiles_as_pasted(string document) => Assert.Equal(1, CompileAll(Path.Combine("docs", document), ImplicitUsings));

    /// <summary>Nobody finds a type by its name alone.</summary>
    [Fact]
    public void The_program_about_options_names_the_namespace_of_each_table()
    {
        string text = Text("docs", "tuning.md");
        Type[] tables = [.. typeof(MemoryRuntime).Assembly.GetExportedTypes().Where(type => text.Contains($"\n## `{type.Name}`\n", StringComparison.Ordinal))];
        Assert.InRange(tables.Length, 10, 100);
        Assert.All(tables, type => Assert.Matches($@"using {Regex.Escape(type.Namespace!)}; +// .*\b{type.Name}\b", text));
    }

    [Fact]
    public void Places_in_files_that_links_name_are_there()
    {
        var broken = new List<string>();
        foreach (string document in AllDocuments)
        {
            string folder = Path.GetDirectoryName(RepositoryRoot.Combine(document))!;
            foreach (Match link in Places().Matches(Text(document)))
            {
                string target = link.Groups[1].Length == 0 ? RepositoryRoot.Combine(document) : Path.Combine(folder, link.Groups[1].Value);
                if (target.EndsWith(".md", StringComparison.Ordinal) && File.Exists(target) && !PlacesIn(File.ReadAllText(target)).Contains(link.Groups[2].Value))
                {
                    broken.Add($"{document}: {link.Value}");
                }
            }
        }

        Assert.Empty(broken);
    }

    /// <summary>What explains a command on its line is a comment: the line is pasted as it stands.</summary>
    [Fact]
    public void Commands_can_be_pasted_with_what_explains_them()
    {
        string[] commands = [.. AllDocuments.SelectMany(document => Text(document).ReplaceLineEndings("\n").Split('\n')
            .Where(line => line.StartsWith("dotnet ", StringComparison.Ordinal)).Select(line => $"{document}: {line}"))];
        Assert.InRange(commands.Length, 20, 1000);
        Assert.All(commands, command => Assert.DoesNotMatch(Explanations(), command));
    }

    /// <summary>Who reads the list of the documents finds all of them; the decisions have one row together.</summary>
    [Fact]
    public void The_readme_lists_every_document()
    {
        string text = Text("README.md");
        string list = text[text.IndexOf("## Documents", StringComparison.Ordinal)..];
        string[] documents = [.. AllDocuments.Select(path => path.Replace('\\', '/')).Where(path => path != "README.md" && !path.StartsWith("docs/decisions/", StringComparison.Ordinal))];
        Assert.InRange(documents.Length, 20, 1000);
        Assert.All(documents, path => Assert.Contains($"]({path})", list, StringComparison.Ordinal));
    }

    [Fact]
    public void Every_experiment_of_the_lab_has_a_section()
    {
        string[] sections = [.. Headings().Matches(Text("docs", "lab.md").ReplaceLineEndings("\n")).Select(heading => heading.Groups[1].Value)];
        Assert.Empty(ExperimentRegistry.All.Select(experiment => experiment.Name).Except(sections));
    }

    [Fact]
    public void Place_that_is_not_there_is_found()
    {
        HashSet<string> places = PlacesIn("# One `Thing`\n```\n# comment\n```\n## Two, three: four\n");
        Assert.Equal(["one-thing", "two-three-four"], places.Order(StringComparer.Ordinal));
    }

    [Fact]
    public void What_does_not_compile_is_found() =>
        Assert.Contains("CS0103", Errors("Console.WriteLine(missing);", [ImplicitUsings]), StringComparison.Ordinal);

    /// <summary>A project that takes warnings for errors is as usual as one that does not.</summary>
    [Fact]
    public void What_compiles_with_a_warning_is_found() =>
        Assert.Contains("CS8602", Errors("string? text = args.Length == 0 ? null : args[0]; Console.WriteLine(text.Length);", [ImplicitUsings]), StringComparison.Ordinal);

    [Theory]
    [MemberData(nameof(Documents))]
    public void Links_lead_to_files_that_exist(string document)
    {
        string path = RepositoryRoot.Combine(document);
        IEnumerable<string> broken = Links().Matches(File.ReadAllText(path)).Select(link => link.Groups[1].Value)
            .Where(target => target.Length > 0 && !Path.Exists(Path.Combine(Path.GetDirectoryName(path)!, target)));
        Assert.Empty(broken);
    }

    [Fact]
    public unsafe void The_bytes_beside_16_MiB_are_what_the_documents_say()
    {
        int bytes = sizeof(FrameTree) + (FrameTree.ChildCount * (BitmapRow.PerChild + ChildWord.Granules) * sizeof(ulong));
        Assert.Contains($"| 16 MiB | words, bitmaps and signatures of the lock-free frames | {bytes:N0} |", Text("docs", "architecture.md"), StringComparison.Ordinal);
        Assert.Contains($"({bytes:N0} bytes for each 16 MiB)", Text("docs", "tuning.md"), StringComparison.Ordinal);
    }

    // As readers of Markdown name the place of a heading: small letters, digits, and hyphens for spaces.
    private static HashSet<string> PlacesIn(string text) => [.. Headings().Matches(Fences().Replace(text.ReplaceLineEndings("\n"), ""))
        .Select(heading => string.Concat(heading.Groups[1].Value.Trim().ToLowerInvariant().Where(c => char.IsLetterOrDigit(c) || c is ' ' or '-' or '_')).Replace(' ', '-'))];

    private static string Text(params string[] path) => File.ReadAllText(RepositoryRoot.Combine(path));

    private static int CompileAll(string document, params string[] around)
    {
        MatchCollection blocks = Blocks().Matches(Text(document).ReplaceLineEndings("\n"));
        foreach (Match block in blocks)
        {
            string errors = Errors(block.Groups[1].Value, around);
            Assert.True(errors.Length == 0, errors + "\n" + block.Groups[1].Value);
        }

        return blocks.Count;
    }

    private static string Errors(string code, string[] around)
    {
        string assemblies = (string)AppContext.GetData("TRUSTED_PLATFORM_ASSEMBLIES")!;
        var compilation = CSharpCompilation.Create(
            "snippet",
            around.Append(code).Select(text => CSharpSyntaxTree.ParseText(text, new CSharpParseOptions(LanguageVersion.Preview))),
            assemblies.Split(Path.PathSeparator).Select(assembly => MetadataReference.CreateFromFile(assembly)),
            new CSharpCompilationOptions(OutputKind.ConsoleApplication, allowUnsafe: true, nullableContextOptions: NullableContextOptions.Enable));
        return string.Join('\n', compilation.GetDiagnostics().Where(found => found.Severity >= DiagnosticSeverity.Warning));
    }

    [GeneratedRegex("```csharp\n(.*?)```", RegexOptions.Singleline)]
    private static partial Regex Blocks();

    [GeneratedRegex("^#+ (.*)$", RegexOptions.Multiline)]
    private static partial Regex Headings();

    [GeneratedRegex("^```.*?^```", RegexOptions.Singleline | RegexOptions.Multiline)]
    private static partial Regex Fences();

    // The file and the place of a link that is no address of the network.
    [GeneratedRegex(@"\]\((?![a-z]+:)([^)#\s]*)#([^)\s]+)\)")]
    private static partial Regex Places();

    // The file of a link that is no address of the network, without the place in it.
    [GeneratedRegex(@"\S {3,}(?!#)\S")]
    private static partial Regex Explanations();

    [GeneratedRegex(@"\]\((?![a-z]+:)([^)#\s]*)[^)]*\)")]
    private static partial Regex Links();
}

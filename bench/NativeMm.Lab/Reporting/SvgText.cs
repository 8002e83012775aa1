using System.Globalization;
using System.Net;
using System.Text;

namespace NativeMm.Lab.Reporting;

/// <summary>Builds an SVG image piece by piece. Colours come from the page's style by class name.</summary>
internal sealed class SvgText
{
    private readonly StringBuilder _text = new();

    /// <summary>Begins an image.</summary>
    public SvgText(double width, double height, string description)
    {
        Append($"<svg viewBox=\"0 0 {width:0.#} {height:0.#}\" width=\"{width:0.#}\" role=\"img\" aria-label=\"{Escape(description)}\">");
    }

    /// <summary>Text safe for markup.</summary>
    public static string Escape(string text) => WebUtility.HtmlEncode(text);

    /// <summary>A line.</summary>
    public SvgText Line(double x1, double y1, double x2, double y2, string style)
    {
        Append($"<line class=\"{style}\" x1=\"{x1:0.#}\" y1=\"{y1:0.#}\" x2=\"{x2:0.#}\" y2=\"{y2:0.#}\"/>");
        return this;
    }

    /// <summary>A rectangle with a text that is shown when it is pointed at.</summary>
    public SvgText Box(double x, double y, double width, double height, string style, string hint)
    {
        Append($"<rect class=\"{style}\" x=\"{x:0.#}\" y=\"{y:0.#}\" width=\"{width:0.#}\" height=\"{height:0.#}\" rx=\"2\"><title>{Escape(hint)}</title></rect>");
        return this;
    }

    /// <summary>A text.</summary>
    /// <param name="x">Where it is anchored.</param>
    /// <param name="y">Its base line.</param>
    /// <param name="text">What it says.</param>
    /// <param name="style">Classes.</param>
    /// <param name="anchor"><c>start</c>, <c>middle</c> or <c>end</c>.</param>
    public SvgText Label(double x, double y, string text, string style, string anchor)
    {
        Append($"<text class=\"{style}\" x=\"{x:0.#}\" y=\"{y:0.#}\" text-anchor=\"{anchor}\">{Escape(text)}</text>");
        return this;
    }

    /// <summary>A line through many points.</summary>
    public SvgText Curve(IEnumerable<(double X, double Y)> points, string style, string hint)
    {
        string path = string.Join(' ', points.Select(p => string.Create(CultureInfo.InvariantCulture, $"{p.X:0.#},{p.Y:0.#}")));
        Append($"<polyline class=\"{style}\" points=\"{path}\"><title>{Escape(hint)}</title></polyline>");
        return this;
    }

    /// <summary>Ends the image.</summary>
    public string Close() => _text.Append("</svg>").ToString();

    private void Append(FormattableString piece) => _text.Append(piece.ToString(CultureInfo.InvariantCulture));
}
